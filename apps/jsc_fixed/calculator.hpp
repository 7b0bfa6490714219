// One operation of jsc-fixed from the arguments of the command line, explained at length.
#pragma once

#include <string>
#include <vector>

namespace jsc {

// The operation's name and its arguments; the text to print. Throws Error or fixed::Error.
std::string fixed_calculation(const std::vector<std::string>& arguments);

}  // namespace jsc
