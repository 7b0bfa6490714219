// Kernels of batch normalization: one feature over one block of samples. See kernels.inc and lanes_io.hpp.
// Sums keep 16 lanes and end in the lanes' fixed tree (engine/threads.hpp).
#pragma once

#include "ops/kernels/lanes_io.hpp"

namespace jsc::ops_kernels_detail {

template <class L>
float sum(Index n, const float* x) {
  auto total = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) { total = total + group.load(x + i); });
  return L::sum(total);
}

template <class L>
float sum_squared_deviations(Index n, float mean, const float* x) {
  const auto m = L::F32::set(mean);
  auto total = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto d = group.only(group.load(x + i) - m);
    total = fma(d, d, total);
  });
  return L::sum(total);
}

template <class L>
void normalize(Index n, float mean, float scale, float bias, const float* x, float* y) {
  const auto m = L::F32::set(mean), s = L::F32::set(scale), b = L::F32::set(bias);
  for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, fma(group.load(x + i) - m, s, b)); });
}

template <class L>
void affine(Index n, float alpha, float beta, const float* x, float* y) {
  const auto a = L::F32::set(alpha), b = L::F32::set(beta);
  for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, fma(group.load(x + i), a, b)); });
}

template <class L>
void batch_norm_sums(Index n, float mean, const float* x, const float* d_y, float* sums) {
  const auto m = L::F32::set(mean);
  auto plain = L::F32::zero(), centered = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto d = group.load(d_y + i);  // 0 in the lanes that do not exist
    plain = plain + d;
    centered = fma(d, group.load(x + i) - m, centered);
  });
  sums[0] = L::sum(plain);
  sums[1] = L::sum(centered);
}

template <class L>
void batch_norm_backward(Index n, float mean, float scale, float mean_d_y, float slope, const float* x,
                         const float* d_y, float* d_x, bool accumulate) {
  const auto m = L::F32::set(mean), s = L::F32::set(scale), md = L::F32::set(mean_d_y),
             k = L::F32::set(-slope);
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto d = fma(group.load(x + i) - m, k, group.load(d_y + i) - md);
    deliver<L>(group, d_x + i, s * d, accumulate);
  });
}

}  // namespace jsc::ops_kernels_detail
