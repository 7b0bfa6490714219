// Mean and sum of squared deviations, in the parallel form of Chan, Golub and LeVeque (1979): two passes over
// a row, whose results are then combined
//   delta = mean_b - mean_a,  mean = mean_a + delta n_b / n,  M = M_a + M_b + delta^2 n_a n_b / n
// which loses no digits when the mean is large beside the deviation.
#pragma once

#include <cstdint>

#include "engine/tensor.hpp"

namespace jsc {

// Sum of term(x[i]) in double: lane l of eight takes the i with i mod 8 = l in ascending order, then a fixed
// tree.
template <class Term>
double lane_sum(const float* x, Index n, const Term& term) {
  double lanes[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8)
    for (int l = 0; l < 8; ++l) lanes[l] += term(static_cast<double>(x[i + l]));
  for (int l = 0; i + l < n; ++l) lanes[l] += term(static_cast<double>(x[i + l]));
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double deviations = 0;  // sum of (x - mean)^2

  void add(const float* x, Index n);
  void merge(const Moments& later);
  void clear() { *this = {}; }

  double population_variance() const { return deviations / static_cast<double>(count); }
  double unbiased_variance() const { return deviations / static_cast<double>(count - 1); }
};

}  // namespace jsc
