// Hyperbolic tangent (torch.nn.Tanh).
//   y = tanh(x): an odd polynomial below 0.625 (Cephes, Moshier 1989), else (1 - e) / (1 + e), e = exp(-2|x|)
//   d_x = d_y·(1 - y²)
// exp is that of engine/math.hpp; the accuracy is stated in docs/autograd.md and tested.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void tanh_forward(const Execution& execution, ConstMatrix x, Matrix y);
// y is the output of the forward direction.
void tanh_backward(const Execution& execution, ConstMatrix y, ConstMatrix d_y, Matrix d_x, bool accumulate);

Variable tanh(Tape& tape, Variable x);

}  // namespace jsc
