#include "graph/statistics/quantiles.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace jsc {

void Quantiles::add(const float* x, Index n) {
  count += n;
  extremes_.add(x, n);
  std::int32_t zeros = 0;
  for (Index i = 0; i < n; ++i) zeros += x[i] == 0.0F ? 1 : 0;
  zeros_ += zeros;
  if (exact_) {
    values_.insert(values_.end(), x, x + n);
    return;
  }
  for (Index i = 0; i < n; ++i) {
    const std::uint32_t bucket = std::bit_cast<std::uint32_t>(x[i] + 0.0F) >> 16;  // + 0 turns -0 into 0
    std::unique_ptr<std::int64_t[]>& page = pages_[bucket / kPageBuckets];
    if (!page) page = std::make_unique<std::int64_t[]>(kPageBuckets);
    ++page[bucket % kPageBuckets];
  }
}

void Quantiles::merge(const Quantiles& later) {
  count += later.count;
  zeros_ += later.zeros_;
  extremes_.merge(later.extremes_);
  values_.insert(values_.end(), later.values_.begin(), later.values_.end());
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    if (!later.pages_[i]) continue;
    if (!pages_[i]) pages_[i] = std::make_unique<std::int64_t[]>(kPageBuckets);
    for (int b = 0; b < kPageBuckets; ++b) pages_[i][b] += later.pages_[i][b];
  }
}

void Quantiles::clear() {
  count = zeros_ = 0;
  extremes_.clear();
  values_.clear();
  for (auto& page : pages_) page.reset();
}

float Quantiles::middle(std::uint32_t bucket) {
  return std::bit_cast<float>(bucket << 16 | 0x8000U);
}

std::vector<double> Quantiles::exact_order_statistics(std::span<const std::int64_t> ranks) const {
  std::vector<float> values = values_;
  std::vector<double> found;
  auto begin = values.begin();
  for (std::int64_t rank : ranks) {
    const auto place = values.begin() + rank;
    std::nth_element(begin, place, values.end());
    found.push_back(*place);
    begin = place;
  }
  return found;
}

std::vector<double> Quantiles::order_statistics(std::span<const std::int64_t> ranks) const {
  if (exact_) return exact_order_statistics(ranks);
  std::vector<double> found;
  std::int64_t seen = 0;
  const auto pass = [&](double value, std::int64_t n) {
    seen += n;
    while (found.size() < ranks.size() && ranks[found.size()] < seen)
      found.push_back(
          std::clamp(value, static_cast<double>(extremes_.min), static_cast<double>(extremes_.max)));
  };
  const auto pass_bucket = [&](std::uint32_t bucket) {
    const auto& page = pages_[bucket / kPageBuckets];
    if (page) pass(middle(bucket), page[bucket % kPageBuckets] - (bucket == 0 ? zeros_ : 0));
  };
  for (std::uint32_t bucket = 0xffff; bucket >= 0x8000; --bucket) pass_bucket(bucket);
  pass(0.0, zeros_);
  for (std::uint32_t bucket = 0; bucket < 0x8000; ++bucket) pass_bucket(bucket);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] == 0) found[i] = extremes_.min;
    if (ranks[i] == count - 1) found[i] = extremes_.max;
  }
  return found;
}

std::vector<double> Quantiles::quantiles(std::span<const double> q, std::int64_t skip) const {
  const std::int64_t last = count - skip - 1;  // rank of the largest among those left
  std::vector<std::int64_t> ranks;
  for (double p : q) {
    const auto below = static_cast<std::int64_t>(std::floor(p * static_cast<double>(last)));
    ranks.push_back(skip + below);
    ranks.push_back(skip + std::min(below + 1, last));
  }
  // A quantile's upper neighbour may lie above the next one's lower: look the ranks up in order.
  std::vector<std::int64_t> ascending = ranks;
  std::ranges::sort(ascending);
  const std::vector<double> values = order_statistics(ascending);
  const auto value_at = [&](std::int64_t rank) {
    return values[static_cast<std::size_t>(std::ranges::find(ascending, rank) - ascending.begin())];
  };

  std::vector<double> found;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double position = q[i] * static_cast<double>(last);
    const double w = position - std::floor(position);
    const double a = value_at(ranks[2 * i]), b = value_at(ranks[2 * i + 1]);
    found.push_back(w < 0.5 ? a + w * (b - a) : b - (b - a) * (1 - w));
  }
  return found;
}

}  // namespace jsc
