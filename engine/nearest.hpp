// "Did you mean …?" for misspelt names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jsc {

// The candidate with the smallest edit distance to `name`; empty if none is near (more than a third of its
// letters differ).
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

// ": did you mean 'x'?" or, when nothing is near, " (known: a, b, c)".
std::string suggestion(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace jsc
