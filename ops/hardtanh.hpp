// Clamp to an interval (torch.nn.Hardtanh).
//   y = min(hi, max(lo, x))            a NaN stays a NaN
//   d_x = d_y where lo < x < hi, else 0
// Needs lo < hi.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void hardtanh_forward(const Execution& execution, float lo, float hi, ConstMatrix x, Matrix y);
// x is the input of the forward direction.
void hardtanh_backward(const Execution& execution, float lo, float hi, ConstMatrix x, ConstMatrix d_y,
                       Matrix d_x, bool accumulate);

Variable hardtanh(Tape& tape, Variable x, float lo, float hi);

}  // namespace jsc
