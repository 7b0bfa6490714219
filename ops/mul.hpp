// Product of two variables, value by value.
//   y = a·b
//   d_a = d_y·b,  d_b = d_y·a
// No broadcasting: a and b have one shape. They may be the same variable.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void mul_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y);
// The share of one operand, given the other.
void mul_backward(const Execution& execution, ConstMatrix other, ConstMatrix d_y, Matrix d, bool accumulate);

Variable mul(Tape& tape, Variable a, Variable b);

}  // namespace jsc
