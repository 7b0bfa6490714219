// The two halves of a quantized batch normalization (ops/batch_norm.hpp has the formulas of the whole).
//
// batch_norm_constants: what the statistics make of it, one scale and one offset a feature
//   alpha = w r,  beta = b - m alpha,  r = 1/sqrt(v + eps), with m and v of the batch or the running
//   statistics d_b = d_beta,  g = d_alpha - m d_beta,  d_w = r g,  and with the batch's statistics d_x = -w
//   r^3 g (x - m)/n - alpha d_beta/n
// exact_scale_shift: what is left to do for each sample
//   y = alpha x + beta;  d_alpha = sum d_y x,  d_beta = sum d_y,  d_x = alpha d_y
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include "ops/batch_norm.hpp"
#include "quant/accumulate.hpp"

namespace jsc {

struct BatchNormSource {
  Variable x;
  Variable weight, bias;  // {} when not affine
  BatchNormBuffers buffers;
  float eps = 0;
  float momentum = 0;
  bool batch_statistics = false;  // of x, which also updates the buffers; needs two samples or more
};

inline float inverse_deviation(float variance, float eps) {
  return 1.0F / std::sqrt(variance + eps);
}
struct ScaleAndOffset {
  float alpha, beta;
};
// In float32, beta with one rounding, as batch_norm_eval does.
inline ScaleAndOffset scale_and_offset(float weight, float bias, float mean, float inverse_deviation) {
  const float alpha = weight * inverse_deviation;
  return {alpha, std::fma(-mean, alpha, bias)};
}

// alpha and beta, each [1][features].
std::pair<Variable, Variable> batch_norm_constants(Tape& tape, const BatchNormSource& source);

Variable scale_shift(Tape& tape, Variable x, Variable alpha, Variable beta);
// x [features][batch], alpha and beta [1][features], all fake-quantized. Exact and annotated as exact_linear.
Variable exact_scale_shift(Tape& tape, Variable x, Variable alpha, Variable beta, const SumFormats& formats,
                           std::string_view path);

}  // namespace jsc
