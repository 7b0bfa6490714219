// Inverted dropout (Srivastava et al., JMLR 15, 2014), as torch.nn.Dropout in training; evaluation records
// nothing.
//   y = x·mask,  mask = 1 / (1 - p) with probability 1 - p, else 0
//   d_x = d_y·mask
// The mask of element (feature, sample) at a training step is a function of (stream, step, element) alone:
// Philox index step·2³² + feature·batch + sample. So threads and resumed runs draw the same masks.
#pragma once

#include "engine/random.hpp"
#include "engine/tape.hpp"

namespace jsc {

// Writes the mask and y of a block of samples. 0 <= p <= 1.
void dropout_forward(const Execution& execution, float p, RandomStream stream, std::uint64_t training_step,
                     SampleBlock block, ConstMatrix x, Matrix mask, Matrix y);
void dropout_backward(const Execution& execution, ConstMatrix mask, ConstMatrix d_y, Matrix d_x,
                      bool accumulate);

Variable dropout(Tape& tape, Variable x, float p, RandomStream stream);

}  // namespace jsc
