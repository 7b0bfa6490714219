// Sum of two variables, value by value (skip connections).
//   y = a + b
//   d_a = d_y,  d_b = d_y
// No broadcasting: a and b have one shape. They may be the same variable.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void add_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y);
// The share of either operand.
void add_backward(const Execution& execution, ConstMatrix d_y, Matrix d, bool accumulate);

Variable add(Tape& tape, Variable a, Variable b);

}  // namespace jsc
