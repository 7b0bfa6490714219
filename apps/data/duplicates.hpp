// Rows that are the same to the last bit, features and label, and the fingerprint of a whole data set.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/data/dataset.hpp"

namespace jsc {

// Rows that repeat an earlier one.
Index count_duplicates(const Dataset& data);

// Removes them, keeping the first of each; returns how many went.
Index remove_duplicates(Dataset& data);

// Rows of `others` that also occur among `rows`: a leak, when these train and those test.
Index count_shared(const Dataset& data, std::span<const std::uint32_t> rows,
                   std::span<const std::uint32_t> others);

// XXH3-128 over names, sizes, labels and features as 32 hexadecimal digits: equal data, equal hash, whichever
// file it came from.
std::string dataset_hash(const Dataset& data);

}  // namespace jsc
