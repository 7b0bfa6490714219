#include "apps/data/split.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace jsc {

// Fisher-Yates from the end; an index is drawn by masking 32-bit words of the Mersenne Twister and refusing
// those above i. std::mt19937 seeds itself as NumPy's legacy generator does.
std::vector<std::uint32_t> numpy_permutation(Index n, std::uint32_t seed) {
  JSC_ASSERT(n >= 0 && n <= std::numeric_limits<std::uint32_t>::max());
  std::vector<std::uint32_t> permutation(static_cast<std::size_t>(n));
  std::iota(permutation.begin(), permutation.end(), 0U);
  std::mt19937 generator(seed);
  for (std::uint32_t i = static_cast<std::uint32_t>(n); i-- > 1;) {
    const std::uint32_t mask = static_cast<std::uint32_t>((std::uint64_t{1} << std::bit_width(i)) - 1);
    std::uint32_t j;
    do j = static_cast<std::uint32_t>(generator()) & mask;
    while (j > i);
    std::swap(permutation[i], permutation[j]);
  }
  return permutation;
}

Split split_rows(Index rows, SplitMode mode, std::uint32_t seed) {
  const auto share = [](double part, Index of) {  // the product in double, as scikit-learn rounds it
    return static_cast<Index>(std::ceil(part * static_cast<double>(of)));
  };
  const Index test_rows = share(0.2, rows);
  const Index validation_rows = mode == SplitMode::mase ? 0 : share(0.1, rows - test_rows);
  if (rows - test_rows - validation_rows < 1)
    fail("split: expected rows for training beside {} for test and {} for validation, found {} rows in all",
         test_rows, validation_rows, rows);
  if (rows > std::numeric_limits<std::uint32_t>::max())
    fail("split: expected at most 4294967295 rows, found {}", rows);

  const std::vector<std::uint32_t> permutation = numpy_permutation(rows, seed);
  Split split;
  split.test.assign(permutation.begin(), permutation.begin() + test_rows);
  const std::vector<std::uint32_t> rest(permutation.begin() + test_rows, permutation.end());
  if (mode == SplitMode::mase) {
    split.train = rest;
    split.validation = rest;
    return split;
  }
  const std::vector<std::uint32_t> second = numpy_permutation(std::ssize(rest), seed);
  for (Index i = 0; i < std::ssize(second); ++i)
    (i < validation_rows ? split.validation : split.train).push_back(rest[second[i]]);
  return split;
}

std::string split_hash(const Split& split) {
  XXH64_hash_t hash = 0;
  for (const auto* part : {&split.train, &split.validation, &split.test})
    hash = XXH3_64bits_withSeed(part->data(), part->size() * sizeof(std::uint32_t), hash);
  return fmt::format("{:016x}", hash);
}

}  // namespace jsc
