// Fully connected layer (torch.nn.Linear), activations feature-major, weight [out][in], bias [1][out].
//   y = W x + b
//   d_x = Wᵀ d_y,  d_W = d_y xᵀ,  d_b = sum of d_y over the samples
// Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.5. The three products are
// engine/gemm.hpp.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

struct BatchNormLayer;  // batch_norm.hpp

// bias.data may be null. With relu, y = max(0, W x + b).
void linear_forward(const Execution& execution, const ConstMatrix& x, const ConstMatrix& weight,
                    const ConstMatrix& bias, const Matrix& y, bool relu = false);
void linear_backward_input(const Execution& execution, const ConstMatrix& weight, const ConstMatrix& d_y,
                           const Matrix& d_x, bool accumulate);
void linear_backward_weight(const Execution& execution, const ConstMatrix& x, const ConstMatrix& d_y,
                            const Matrix& d_weight, bool accumulate);
void linear_backward_bias(const Execution& execution, const ConstMatrix& d_y, const Matrix& d_bias,
                          bool accumulate);

// `bias` may be {} for none. With `relu`, a ReLU follows: the same values and gradients as of relu() on the
// output, which has no place of its own then.
Variable linear(Tape& tape, Variable x, Variable weight, Variable bias, bool relu = false);

// Followed by a batch normalization with running statistics and a ReLU: the same values as of the three one
// by one, in one pass over memory where the weights are few. On a tape without gradients only.
Variable linear_batch_norm_relu(Tape& tape, Variable x, Variable weight, Variable bias,
                                const BatchNormLayer& norm);

}  // namespace jsc
