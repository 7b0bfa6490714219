// Batch normalization over the samples, feature by feature (Ioffe and Szegedy, ICML 2015), with the
// statistics that torch.nn.BatchNorm1d keeps. n samples, w and b the affine parameters (1 and 0 without).
//   training:    mean = sum x / n,  var = sum (x - mean)² / n           (biased; two passes over x)
//                r = 1/sqrt(var + eps),  y = (x - mean)·r·w + b
//                running_mean = (1 - momentum)·running_mean + momentum·mean
//                running_var = (1 - momentum)·running_var + momentum·var·n/(n - 1)       (unbiased)
//                d_b = sum d_y,  d_w = sum d_y·(x - mean)·r
//                d_x = w·r·(d_y - d_b/n - (x - mean)·r·d_w/n)
//   evaluation:  y = fma(x, alpha, beta),  alpha = w·(1/sqrt(running_var + eps)),  beta = b -
//   running_mean·alpha
//                in float32, beta with one rounding: to the bit what PyTorch 1.13 gives on a CPU with AVX2
//                d_x = alpha·d_y;  d_b and d_w as above with the running mean and r
#pragma once

#include <cstdint>

#include "engine/tape.hpp"

namespace jsc {

// Kept by the caller; written by each forward() of batch_norm_train. [features]
struct BatchNormBuffers {
  float* running_mean;
  float* running_var;
  std::int64_t* num_batches_tracked;
};

// Normalizes with the statistics of the batch, which go to mean and inverse_deviation, and updates the
// buffers. weight and bias may be null. Needs two samples or more.
void batch_norm_train_forward(const Execution& execution, ConstMatrix x, const float* weight,
                              const float* bias, BatchNormBuffers buffers, float eps, float momentum,
                              float* mean, float* inverse_deviation, Matrix y);
// d_weight and d_bias get the sums; each of d_weight, d_bias, d_x may be without data, the last flags say
// whether to add.
struct BatchNormGradients {
  Matrix d_x, d_weight, d_bias;
  bool accumulate_x, accumulate_weight, accumulate_bias;
};
void batch_norm_train_backward(const Execution& execution, ConstMatrix x, const float* weight,
                               const float* mean, const float* inverse_deviation, ConstMatrix d_y,
                               const BatchNormGradients& gradients);

void batch_norm_eval_forward(const Execution& execution, ConstMatrix x, const float* weight,
                             const float* bias, BatchNormBuffers buffers, float eps, Matrix y);
void batch_norm_eval_backward(const Execution& execution, ConstMatrix x, const float* weight,
                              BatchNormBuffers buffers, float eps, ConstMatrix d_y,
                              const BatchNormGradients& gradients);

// weight and bias are {} when not affine.
Variable batch_norm_train(Tape& tape, Variable x, Variable weight, Variable bias, BatchNormBuffers buffers,
                          float eps, float momentum);
Variable batch_norm_eval(Tape& tape, Variable x, Variable weight, Variable bias, BatchNormBuffers buffers,
                         float eps);

}  // namespace jsc
