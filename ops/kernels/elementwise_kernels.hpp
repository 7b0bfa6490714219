// Kernels that treat each value alone: activations, add, sub, mul, dropout. See kernels.inc for the list and
// lanes_io.hpp for L. max(0, x) with the constant first hands a NaN on, as PyTorch does.
#pragma once

#include "engine/kernels/math_lanes.hpp"
#include "ops/kernels/lanes_io.hpp"

namespace jsc::ops_kernels_detail {

template <class L>
void relu_forward(Index rows, Index n, const float* x, Index x_stride, float* y, Index y_stride) {
  const auto zero = L::F32::zero();
  for (Index row = 0; row < rows; ++row, x += x_stride, y += y_stride)
    for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, max(zero, group.load(x + i))); });
}

template <class L>
void relu_backward(Index rows, Index n, const float* x, Index x_stride, const float* d_y, Index d_y_stride,
                   float* d_x, Index d_x_stride, bool accumulate) {
  const auto zero = L::F32::zero();
  for (Index row = 0; row < rows; ++row, x += x_stride, d_y += d_y_stride, d_x += d_x_stride)
    for_each_group<L>(n, [&](Index i, auto group) {
      deliver<L>(group, d_x + i, select(group.load(x + i) <= zero, zero, group.load(d_y + i)), accumulate);
    });
}

template <class L>
void leaky_relu_forward(Index n, float slope, const float* x, float* y) {
  const auto zero = L::F32::zero(), s = L::F32::set(slope);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto v = group.load(x + i);
    group.store(y + i, select(zero < v, v, v * s));
  });
}

template <class L>
void leaky_relu_backward(Index n, float slope, const float* x, const float* d_y, float* d_x,
                         bool accumulate) {
  const auto zero = L::F32::zero(), s = L::F32::set(slope);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto d = group.load(d_y + i);
    deliver<L>(group, d_x + i, select(zero < group.load(x + i), d, d * s), accumulate);
  });
}

template <class L>
void hardtanh_forward(Index n, float lo, float hi, const float* x, float* y) {
  const auto l = L::F32::set(lo), h = L::F32::set(hi);
  for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, min(h, max(l, group.load(x + i)))); });
}

template <class L>
void hardtanh_backward(Index n, float lo, float hi, const float* x, const float* d_y, float* d_x,
                       bool accumulate) {
  const auto zero = L::F32::zero(), l = L::F32::set(lo), h = L::F32::set(hi);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto v = group.load(x + i);
    deliver<L>(group, d_x + i, select((l < v) & (v < h), group.load(d_y + i), zero), accumulate);
  });
}

template <class L>
void sigmoid_forward(Index n, const float* x, float* y) {
  const auto zero = L::F32::zero(), one = L::F32::set(1.0F);
  for_each_group<L>(
      n, [&](Index i, auto group) { group.store(y + i, one / (one + L::exp(zero - group.load(x + i)))); });
}

template <class L>
void sigmoid_backward(Index n, const float* y, const float* d_y, float* d_x, bool accumulate) {
  const auto one = L::F32::set(1.0F);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto s = group.load(y + i);
    deliver<L>(group, d_x + i, group.load(d_y + i) * (s * (one - s)), accumulate);
  });
}

// Below 0.625 the odd polynomial of Cephes' tanhf (Moshier 1989), where 1 - exp(-2x) would cancel; above it
// (1 - e) / (1 + e) with e = exp(-2|x|).
template <class L>
typename L::F32 tanh_of(typename L::F32 x) {
  using F32 = typename L::F32;
  const F32 one = F32::set(1.0F), zero = F32::zero();
  const F32 z = x * x;
  F32 p = F32::set(-5.70498872745e-3F);
  p = fma(p, z, F32::set(2.06390887954e-2F));
  p = fma(p, z, F32::set(-5.37397155531e-2F));
  p = fma(p, z, F32::set(1.33314422036e-1F));
  p = fma(p, z, F32::set(-3.33332819422e-1F));
  const F32 small = fma(p * z, x, x);
  const F32 e = L::exp(F32::set(-2.0F) * abs(x));
  const F32 large = (one - e) / (one + e);
  return select(abs(x) < F32::set(0.625F), small, select(x < zero, zero - large, large));
}

template <class L>
void tanh_forward(Index n, const float* x, float* y) {
  for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, tanh_of<L>(group.load(x + i))); });
}

template <class L>
void tanh_backward(Index n, const float* y, const float* d_y, float* d_x, bool accumulate) {
  const auto one = L::F32::set(1.0F);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto t = group.load(y + i);
    deliver<L>(group, d_x + i, group.load(d_y + i) * (one - t * t), accumulate);
  });
}

template <class L>
void add(Index n, const float* a, const float* b, float* y) {
  for_each_group<L>(n,
                    [&](Index i, auto group) { group.store(y + i, group.load(a + i) + group.load(b + i)); });
}

template <class L>
void subtract(Index n, const float* a, const float* b, float* y) {
  for_each_group<L>(n,
                    [&](Index i, auto group) { group.store(y + i, group.load(a + i) - group.load(b + i)); });
}

template <class L>
void multiply(Index n, const float* a, const float* b, float* y) {
  for_each_group<L>(n,
                    [&](Index i, auto group) { group.store(y + i, group.load(a + i) * group.load(b + i)); });
}

template <class L>
void scale(Index n, float factor, const float* a, float* d, bool accumulate) {
  const auto f = L::F32::set(factor);
  for_each_group<L>(
      n, [&](Index i, auto group) { deliver<L>(group, d + i, f * group.load(a + i), accumulate); });
}

template <class L>
void multiply_backward(Index n, const float* a, const float* b, float* d, bool accumulate) {
  for_each_group<L>(n, [&](Index i, auto group) {
    deliver<L>(group, d + i, group.load(a + i) * group.load(b + i), accumulate);
  });
}

template <class L>
void dropout_forward(Index n, float p, float factor, float* mask, const float* x, float* y) {
  const auto limit = L::F32::set(p), kept = L::F32::set(factor), zero = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto m = select(group.load(mask + i) < limit, zero, kept);
    group.store(mask + i, m);
    group.store(y + i, group.load(x + i) * m);
  });
}

}  // namespace jsc::ops_kernels_detail
