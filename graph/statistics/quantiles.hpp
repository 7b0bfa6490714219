// Order statistics of float32 values: exact while all values fit, and by counting beyond.
//
// Exact: every value is kept. Counting: a value falls into the bucket of the upper 16 bits of its float32
// form (sign, exponent, 7 bits of fraction), 65,536 in all, of which pages are made as values arrive; zeros
// of either sign and the extremes are kept exactly. An order statistic is then the middle of its bucket, cut
// to the extremes:
//   |found - true| <= 2^-8 |true|   if |true| >= 2^-126
//   |found - true| <= 2^-134        below (subnormal numbers)
// Counts are integers, so merging in any order gives the same bits. A quantile interpolates linearly between
// its two neighbours, as torch.quantile does, but in double; each neighbour has the error above.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/statistics/extremes.hpp"

namespace jsc {

// Tensors of at most this many values have exact quantiles.
inline constexpr Index kExactQuantiles = Index{1} << 20;

class Quantiles {
 public:
  explicit Quantiles(bool exact) : exact_(exact) {}

  void add(const float* x, Index n);
  void merge(const Quantiles& later);
  void clear();

  std::int64_t count = 0;
  std::int64_t zeros() const { return zeros_; }
  const Extremes& extremes() const { return extremes_; }

  // The q-quantile of the values that are left when the `skip` least are dropped, for each q in ascending
  // order.
  std::vector<double> quantiles(std::span<const double> q, std::int64_t skip = 0) const;

  // Calls visit(value, how many) for each value (exact) or middle of a bucket, in no order.
  template <class Visit>
  void for_each(const Visit& visit) const;

 private:
  static constexpr int kPageBuckets = 256;
  static float middle(std::uint32_t bucket);
  std::vector<double> order_statistics(std::span<const std::int64_t> ranks) const;  // ranks ascending
  std::vector<double> exact_order_statistics(std::span<const std::int64_t> ranks) const;

  bool exact_;
  std::vector<float> values_;                               // exact
  std::array<std::unique_ptr<std::int64_t[]>, 256> pages_;  // counting, by sign and upper exponent bits
  std::int64_t zeros_ = 0;
  Extremes extremes_;
};

template <class Visit>
void Quantiles::for_each(const Visit& visit) const {
  for (float value : values_) visit(value, std::int64_t{1});
  for (std::uint32_t page = 0; page < pages_.size(); ++page)
    for (std::uint32_t i = 0; pages_[page] && i < kPageBuckets; ++i) {
      const std::uint32_t bucket = page * kPageBuckets + i;
      const std::int64_t others = pages_[page][i] - (bucket == 0 ? zeros_ : 0);
      if (others > 0) visit(middle(bucket), others);
      if (bucket == 0 && zeros_ > 0) visit(0.0F, zeros_);
    }
}

}  // namespace jsc
