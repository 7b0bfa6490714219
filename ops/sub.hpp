// Difference of two variables, value by value.
//   y = a - b
//   d_a = d_y,  d_b = -d_y
// No broadcasting: a and b have one shape. They may be the same variable.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void sub_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y);
// The share of a (sign = 1) or of b (sign = -1).
void sub_backward(const Execution& execution, float sign, ConstMatrix d_y, Matrix d, bool accumulate);

Variable sub(Tape& tape, Variable a, Variable b);

}  // namespace jsc
