// The loop of formats in which each number is quantized for itself.
#pragma once

#include "engine/tensor.hpp"

namespace jsc {

// y = q(x)
template <class Function>
void quantize_each(ConstMatrix x, Matrix y, const Function& q) {
  for (Index r = 0; r < x.rows; ++r)
    for (Index c = 0; c < x.cols; ++c) y(r, c) = q(x(r, c));
}

}  // namespace jsc
