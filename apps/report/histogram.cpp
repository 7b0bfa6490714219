#include "apps/report/histogram.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"

namespace jsc {

namespace {

constexpr double kTail = 0.005;  // share of the rows that the range leaves out on either side

// The order statistics that the tails end at.
std::pair<double, double> central_range(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  const auto skip = static_cast<std::ptrdiff_t>(kTail * static_cast<double>(sorted.size()));
  const auto low = sorted.begin() + skip, high = sorted.end() - 1 - skip;
  std::nth_element(sorted.begin(), low, sorted.end());
  const double least = *low;
  std::nth_element(sorted.begin(), high, sorted.end());
  return {least, *high};
}

bool whole_numbers(std::span<const double> values, double low, double high) {
  return std::ranges::all_of(
      values, [&](double v) { return v < low || v > high || std::abs(v - std::nearbyint(v)) < 1e-3; });
}

}  // namespace

Histogram histogram_by_class(std::span<const double> values, std::span<const std::int32_t> labels,
                             std::size_t classes, std::size_t bins) {
  JSC_ASSERT(!values.empty() && values.size() == labels.size() && bins > 0);
  const auto [low, high] = central_range(values);
  Histogram h;
  h.low = low;
  double top = high;
  if (!(high > low)) {
    const double half = low == 0 ? 0.5 : std::abs(low) / 2;
    h.low = low - half;
    h.width = 2 * half / static_cast<double>(bins);
    top = low + half;
  } else if (high - low < 1e6 && whole_numbers(values, low, high)) {
    const double first = std::nearbyint(low), steps = std::nearbyint(high) - first + 1;
    h.width = std::ceil(steps / static_cast<double>(bins));
    h.low = first - 0.5;
    bins = static_cast<std::size_t>(std::ceil(steps / h.width));
    top = h.low + static_cast<double>(bins) * h.width;
  } else {
    h.width = (high - low) / static_cast<double>(bins);
  }
  h.counts.assign(classes, std::vector<std::int64_t>(bins, 0));
  h.rows.assign(classes, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    ++h.rows[label];
    if (values[i] < h.low) {
      ++h.below;
    } else if (values[i] > top) {
      ++h.above;
    } else {
      const auto bin = static_cast<std::size_t>((values[i] - h.low) / h.width);
      ++h.counts[label][std::min(bin, bins - 1)];
    }
  }
  return h;
}

}  // namespace jsc
