// Leaky rectified linear unit (Maas, Hannun and Ng, 2013).
//   y = x where x > 0, else slope·x
//   d_x = d_y where x > 0, else slope·d_y
// Equal to torch.nn.LeakyReLU(slope).
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void leaky_relu_forward(const Execution& execution, float slope, ConstMatrix x, Matrix y);
// x is the input of the forward direction.
void leaky_relu_backward(const Execution& execution, float slope, ConstMatrix x, ConstMatrix d_y, Matrix d_x,
                         bool accumulate);

Variable leaky_relu(Tape& tape, Variable x, float slope);

}  // namespace jsc
