// Rectified linear unit (Nair and Hinton, ICML 2010).
//   y = max(0, x)            a NaN stays a NaN
//   d_x = d_y where x > 0, else 0   (0 at the corner, as PyTorch)
// Equal to torch.nn.ReLU.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void relu_forward(const Execution& execution, const ConstMatrix& x, const Matrix& y);
// x is the input of the forward direction.
void relu_backward(const Execution& execution, const ConstMatrix& x, const ConstMatrix& d_y,
                   const Matrix& d_x, bool accumulate);

Variable relu(Tape& tape, Variable x);

}  // namespace jsc
