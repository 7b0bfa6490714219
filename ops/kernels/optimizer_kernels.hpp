// Kernels over the flat parameter block: optimizer steps, L1 penalty, norm. The order of the operations is
// that of PyTorch's CPU kernels (an `add` with alpha is one fma there).
#pragma once

#include "ops/kernels/lanes_io.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc::ops_kernels_detail {

template <class L>
void add_up(Index n, Index count, const float* from, Index distance, float* to, bool accumulate) {
  for_each_group<L>(n, [&](Index i, auto group) {
    auto total = group.load(from + i);
    for (Index k = 1; k < count; ++k) total = total + group.load(from + k * distance + i);
    deliver<L>(group, to + i, total, accumulate);
  });
}

template <class L>
void sgd_step(Index n, const SgdStep& step, float* w, const float* g, float* momentum_buffer) {
  using F32 = typename L::F32;
  const F32 decay = F32::set(step.weight_decay), momentum = F32::set(step.momentum),
            minus_rate = F32::set(-step.learning_rate);
  const bool decays = step.weight_decay != 0.0F, has_momentum = step.momentum != 0.0F;
  for_each_group<L>(n, [&](Index i, auto group) {
    const F32 value = group.load(w + i);
    F32 d = group.load(g + i);
    if (decays) d = fma(value, decay, d);
    if (has_momentum) {
      const F32 buffer = group.load(momentum_buffer + i) * momentum + d;
      group.store(momentum_buffer + i, buffer);
      d = step.nesterov ? fma(buffer, momentum, d) : buffer;
    }
    group.store(w + i, fma(d, minus_rate, value));
  });
}

template <class L>
void adam_step(Index n, const AdamStep& step, float* w, const float* g, float* m, float* v) {
  using F32 = typename L::F32;
  const F32 decay = F32::set(step.weight_decay), shrink = F32::set(step.shrink), beta1 = F32::set(step.beta1),
            beta2 = F32::set(step.beta2), rest1 = F32::set(step.one_minus_beta1),
            rest2 = F32::set(step.one_minus_beta2), minus_step = F32::set(-step.step_size),
            eps = F32::set(step.eps);
  const typename L::Divisor correction(F32::set(step.bias_correction2_sqrt));
  const bool decays = step.weight_decay != 0.0F;
  for_each_group<L>(n, [&](Index i, auto group) {
    F32 value = group.load(w + i) * shrink;
    F32 d = group.load(g + i);
    if (decays) d = fma(value, decay, d);
    const F32 mean = fma(d, rest1, group.load(m + i) * beta1);
    const F32 square = fma(rest2 * d, d, group.load(v + i) * beta2);
    group.store(m + i, mean);
    group.store(v + i, square);
    group.store(w + i, value + minus_step * mean / (sqrt(square) / correction + eps));
  });
}

template <class L>
float l1_penalty(Index n, float lambda, const float* w, float* g) {
  using F32 = typename L::F32;
  const F32 zero = F32::zero(), up = F32::set(lambda), down = F32::set(-lambda);
  F32 total = zero;
  for_each_group<L>(n, [&](Index i, auto group) {
    const F32 value = group.load(w + i);
    total = total + abs(value);
    const F32 share = select(zero < value, up, select(value < zero, down, zero));
    group.store(g + i, group.load(g + i) + share);
  });
  return L::sum(total);
}

template <class L>
float sum_squares(Index n, const float* x) {
  auto total = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto v = group.load(x + i);
    total = fma(v, v, total);
  });
  return L::sum(total);
}

}  // namespace jsc::ops_kernels_detail
