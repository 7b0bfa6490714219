// Mean squared error over all values (torch.nn.MSELoss).
//   loss = sum (y - target)² / N,  N = rows·samples
//   d_y = d_loss·2·(y - target) / N,  d_target = -d_y
// Block sums are float32 (engine/threads.hpp) and added in double, rows then blocks ascending.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

// `block_sums` is scratch of block_count(y.cols) floats.
float mse_forward(const Execution& execution, ConstMatrix y, ConstMatrix target, float* block_sums);
// The share of y (sign = 1) or of target (sign = -1).
void mse_backward(const Execution& execution, float sign, ConstMatrix y, ConstMatrix target, float d_loss,
                  Matrix d, bool accumulate);

Variable mse(Tape& tape, Variable y, Variable target);

}  // namespace jsc
