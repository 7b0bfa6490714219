// Logistic sigmoid (torch.nn.Sigmoid).
//   y = 1 / (1 + exp(-x))
//   d_x = d_y·y·(1 - y)
// exp is that of engine/math.hpp; the accuracy is stated in docs/autograd.md and tested.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void sigmoid_forward(const Execution& execution, ConstMatrix x, Matrix y);
// y is the output of the forward direction.
void sigmoid_backward(const Execution& execution, ConstMatrix y, ConstMatrix d_y, Matrix d_x,
                      bool accumulate);

Variable sigmoid(Tape& tape, Variable x);

}  // namespace jsc
