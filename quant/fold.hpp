// A batch normalization folded into the linear layer before it (Jacob et al., CVPR 2018, 3.2):
//   alpha (W x + b) + beta = W' x + b',   W' = diag(alpha) W,  b' = alpha b + beta
// each number rounded once to float32, b' in one rounding. alpha and beta are those of scale_shift.hpp.
//   d_W = diag(alpha) d_W',  d_alpha = sum over k of d_W'[., k] W[., k] + b d_b',  d_b = alpha d_b',  d_beta
//   = d_b'
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include "engine/tape.hpp"
#include "quant/scale_shift.hpp"

namespace jsc {

// One neuron: its `in` weights, and its bias as the result.
inline float fold_neuron(Index in, float alpha, float beta, const float* weight, float bias, float* folded) {
  for (Index k = 0; k < in; ++k) folded[k] = alpha * weight[k];
  return std::fma(alpha, bias, beta);
}

// W' and b', recorded. weight [out][in]; bias (may be {}), alpha and beta [1][out].
std::pair<Variable, Variable> fold(Tape& tape, Variable weight, Variable bias, Variable alpha, Variable beta);

}  // namespace jsc
