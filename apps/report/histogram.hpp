// Histograms of one feature, class by class, over a common range that a few wild values cannot stretch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace jsc {

struct Histogram {
  double low = 0, width = 1;                      // bin i holds low + i width <= value < low + (i + 1) width
  std::vector<std::vector<std::int64_t>> counts;  // [class][bin]
  std::vector<std::int64_t> rows;                 // [class], those outside of the range included
  std::int64_t below = 0, above = 0;              // rows of any class outside of the range

  std::size_t bins() const { return counts.empty() ? 0 : counts[0].size(); }
  double edge(std::size_t i) const { return low + static_cast<double>(i) * width; }
};

// One value and one label (0 .. classes - 1) a row; the values are finite, and there is at least one. The
// range reaches from the quantile 0.005 to 0.995 (order statistics of all classes together) in at most `bins`
// bins of equal width; the last bin includes its upper edge. Where all values within are whole numbers
// (closer than 1e-3), bins are centered on whole numbers and a whole number wide. A range of no width gets
// one around the value.
Histogram histogram_by_class(std::span<const double> values, std::span<const std::int32_t> labels,
                             std::size_t classes, std::size_t bins = 40);

}  // namespace jsc
