// Batch normalization over the samples, feature by feature (Ioffe and Szegedy, ICML 2015), with the
// statistics that torch.nn.BatchNorm1d keeps. n samples, w and b the affine parameters (1 and 0 without).
//   training:    mean = sum x / n,  var = sum (x - mean)² / n           (biased)
//                Each block of samples (engine/threads.hpp) is summed in two passes while it is in the cache;
//                its squared deviations are moved from its own mean to that of all: sum over the blocks b of
//                sum_b (x - mean_b)² + n_b (mean_b - mean)²           (Chan, Golub and LeVeque, 1983)
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
#include "ops/kernels/ops_kernels.hpp"

namespace jsc {

// Kept by the caller; written by each forward() of batch_norm_train. [features]
struct BatchNormBuffers {
  float* running_mean;
  float* running_var;
  std::int64_t* num_batches_tracked;
};

// --- training: statistics of all samples, then each block of columns by itself ---

// Of each block of x: sums and squared deviations, [block][2][features] into `moments`, block_count(x.cols)
// of them; then mean and 1/sqrt(var + eps) of all, [features], and the update of the buffers. Two samples or
// more.
Index batch_norm_moments_size(Index features, Index samples);
void batch_norm_moments(const Execution& execution, const ConstMatrix& x, SampleBlock block, float* moments);
void batch_norm_statistics(Index features, Index samples, const float* moments, BatchNormBuffers buffers,
                           float eps, float momentum, float* mean, float* inverse_deviation);

// y of some columns of x; scale is w·r. With norm.relu, y = max(0, y): relu.hpp in the same pass over memory.
void batch_norm_normalize(const Execution& execution, const NormalizeRows& norm, const ConstMatrix& x,
                          const Matrix& y);

// sum d_y and sum d_y·(x - mean) of some columns, [2][features] into `sums`; with norm.relu, of d_y where y >
// 0.
void batch_norm_gradient_sums(const Execution& execution, const NormalizeRows& norm, const ConstMatrix& x,
                              const ConstMatrix& d_y, float* sums);
// d_x of some columns; mean_d = d_b/n and slope = r·d_w/n are of all samples.
void batch_norm_backward(const Execution& execution, const NormalizeRows& norm, const float* mean_d,
                         const float* slope, const ConstMatrix& x, const ConstMatrix& d_y, const Matrix& d_x,
                         bool accumulate);

// --- evaluation ---

// alpha and beta, [features] each, `step` apart; weight and bias may be null.
void batch_norm_alpha_beta(Index features, const float* weight, const float* bias, BatchNormBuffers buffers,
                           float eps, float* alpha, float* beta, Index step = 1);
void batch_norm_eval_forward(const Execution& execution, const float* alpha, const float* beta, bool relu,
                             const ConstMatrix& x, const Matrix& y);

// --- on the tape ---

struct BatchNormLayer {
  Variable weight, bias;  // {} when not affine
  BatchNormBuffers buffers;
  float eps;
};

// Throws Error where the layer is not one of so many features, or eps is negative.
void require_features(const Tape& tape, const BatchNormLayer& layer, Index features);

// With `relu`, a ReLU follows: the same values and gradients as of relu() on the output, in fewer passes over
// memory.
Variable batch_norm_train(Tape& tape, Variable x, const BatchNormLayer& layer, float momentum,
                          bool relu = false);
// With `relu` on a tape without gradients only.
Variable batch_norm_eval(Tape& tape, Variable x, const BatchNormLayer& layer, bool relu = false);

}  // namespace jsc
