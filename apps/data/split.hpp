// Which rows train, validate and test: bit-identical to scikit-learn's train_test_split with random_state.
//
//   test        ceil(0.2 N) rows; train_test_split(rows, test_size=0.2, random_state=seed)
//   validation  a tenth of the rest; train_test_split(rest, test_size=0.1, random_state=seed)
//   train       the others
//
// SplitMode::mase keeps MASE's habit instead: the validation rows are the training rows (80 %).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

enum class SplitMode { standard, mase };

struct Split {
  std::vector<std::uint32_t> train, validation, test;  // row numbers in permutation order
};

// NumPy's RandomState(seed).permutation(n).
std::vector<std::uint32_t> numpy_permutation(Index n, std::uint32_t seed);

// Throws Error when a part would be empty.
Split split_rows(Index rows, SplitMode mode = SplitMode::standard, std::uint32_t seed = 42);

// Says whether two splits are the same: XXH3-64 over the row numbers (uint32) of train, validation and test,
// each part seeded with the hash of the part before. Sixteen hex digits.
std::string split_hash(const Split& split);

}  // namespace jsc
