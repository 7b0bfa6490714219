// Softmax over the rows (classes) of each sample, shifted by the sample's maximum so that exp cannot
// overflow.
//   y_c = exp(x_c - max x) / sum_k exp(x_k - max x)
//   d_x_c = y_c·(d_y_c - sum_k y_k·d_y_k)
// Goodfellow, Bengio and Courville, Deep Learning (2016), sections 4.1 and 6.2.2.3.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void softmax_forward(const Execution& execution, ConstMatrix x, Matrix y);
void softmax_backward(const Execution& execution, ConstMatrix y, ConstMatrix d_y, Matrix d_x,
                      bool accumulate);

Variable softmax(Tape& tape, Variable x);

}  // namespace jsc
