// Slices with a scale of their own, for binary and ternary numbers: a weight's row, which is one neuron, a
// whole bias, the features of one sample.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

// f(slice of x, slice of y)
template <class Function>
void for_each_slice(ConstMatrix x, TensorKind kind, Matrix y, const Function& f) {
  if (kind == TensorKind::activation) {
    for (Index c = 0; c < x.cols; ++c)
      f(ConstMatrix{x.row(0) + c, x.rows, 1, x.stride}, Matrix{y.row(0) + c, x.rows, 1, y.stride});
  } else {
    for (Index r = 0; r < x.rows; ++r)
      f(ConstMatrix{x.row(r), 1, x.cols, x.stride}, Matrix{y.row(r), 1, x.cols, y.stride});
  }
}

// mean |x| over the numbers of |x| > `above`, in double; 0 if there are none. NaN does not count, and an
// infinity counts as the largest float32.
inline float mean_magnitude(ConstMatrix x, float above) {
  double sum = 0;
  Index count = 0;
  for (Index r = 0; r < x.rows; ++r)
    for (Index c = 0; c < x.cols; ++c) {
      const float size = std::min(std::fabs(x(r, c)), std::numeric_limits<float>::max());
      if (!(size > above)) continue;
      sum += size;
      ++count;
    }
  return count == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(count));
}

}  // namespace jsc
