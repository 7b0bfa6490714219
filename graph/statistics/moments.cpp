#include "graph/statistics/moments.hpp"

namespace jsc {

void Moments::add(const float* x, Index n) {
  if (n == 0) return;
  Moments row;
  row.count = n;
  row.mean = lane_sum(x, n, [](double v) { return v; }) / static_cast<double>(n);
  const double mean_of_row = row.mean;
  row.deviations = lane_sum(x, n, [=](double v) { return (v - mean_of_row) * (v - mean_of_row); });
  merge(row);
}

void Moments::merge(const Moments& later) {
  if (later.count == 0) return;
  const auto n_a = static_cast<double>(count), n_b = static_cast<double>(later.count);
  const double delta = later.mean - mean;
  mean += delta * (n_b / (n_a + n_b));
  deviations += later.deviations + delta * delta * (n_a * n_b / (n_a + n_b));
  count += later.count;
}

}  // namespace jsc
