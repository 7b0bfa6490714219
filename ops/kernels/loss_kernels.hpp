// Kernels over the classes: softmax, cross-entropy, and the mean squared error. A group of 16 samples goes
// through all classes at once, lane by lane, so any number of classes fills the lanes.
#pragma once

#include "engine/kernels/math_lanes.hpp"
#include "ops/kernels/lanes_io.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc::ops_kernels_detail {

template <class L>
void softmax_forward(Index classes, Index n, const float* x, Index x_stride, float* y, Index y_stride) {
  using F32 = typename L::F32;
  for_each_group<L>(n, [&](Index i, auto group) {
    F32 highest = group.load(x + i);
    for (Index c = 1; c < classes; ++c) highest = max(highest, group.load(x + c * x_stride + i));
    F32 total = F32::zero(), least = F32::set(1.0F);
    for (Index c = 0; c < classes; ++c) {
      const F32 e = L::exp(group.load(x + c * x_stride + i) - highest);
      total = total + e;
      least = min(e, least);
      group.store(y + c * y_stride + i, e);
    }
    const typename L::Total by_total(total, least);
    for (Index c = 0; c < classes; ++c) {
      float* p = y + c * y_stride + i;
      group.store(p, group.load(p) / by_total);
    }
  });
}

template <class L>
void softmax_backward(Index classes, Index n, const float* y, Index y_stride, const float* d_y,
                      Index d_y_stride, float* d_x, Index d_x_stride, bool accumulate) {
  using F32 = typename L::F32;
  for_each_group<L>(n, [&](Index i, auto group) {
    F32 dot = F32::zero();
    for (Index c = 0; c < classes; ++c)
      dot = fma(group.load(y + c * y_stride + i), group.load(d_y + c * d_y_stride + i), dot);
    for (Index c = 0; c < classes; ++c) {
      const F32 share = group.load(y + c * y_stride + i) * (group.load(d_y + c * d_y_stride + i) - dot);
      deliver<L>(group, d_x + c * d_x_stride + i, share, accumulate);
    }
  });
}

// With t_c = x_c - max x and s = sum exp(t_c), -log p_c = log s - t_c >= 0: the label's term, and for label
// smoothing the weighted terms of all classes, W·log s - sum w_c·t_c. The probabilities are kept for the
// backward direction when asked for. The predicted class is the first of the highest.
//
// Chunk by chunk, first all the exponentials, then all the logarithms: of one group these are one chain of
// operations after the other, and a processor does not look far enough ahead to work on the next group.
template <class L>
CrossEntropySums cross_entropy_forward(const CrossEntropyTarget& target, Index n, const float* x,
                                       Index x_stride, const std::int32_t* labels, float* probabilities,
                                       Index probabilities_stride) {
  using F32 = typename L::F32;
  using I32 = typename L::I32;
  constexpr Index kChunk = 128;
  alignas(kAlignment) float totals[kChunk], leasts[kChunk], label_ts[kChunk], label_weights[kChunk],
      weighted_ts[kChunk];
  F32 loss = F32::zero(), weights = F32::zero();
  std::int32_t correct = 0;
  for (Index first = 0; first < n; first += kChunk) {
    const Index size = n - first < kChunk ? n - first : kChunk;
    for_each_group<L>(size, [&](Index in_chunk, auto group) {
      const Index i = first + in_chunk;
      const I32 label = group.load(labels + i);
      F32 highest = group.load(x + i);
      I32 predicted = I32::set(0);
      for (Index c = 1; c < target.classes; ++c) {
        const F32 v = group.load(x + c * x_stride + i);
        predicted = select(highest < v, I32::set(static_cast<std::int32_t>(c)), predicted);
        highest = max(highest, v);
      }
      correct += count((predicted == label) & group.mask());

      F32 total = F32::zero(), label_t = F32::zero(), label_weight = F32::zero(), weighted_t = F32::zero();
      F32 least = F32::set(1.0F);
      for (Index c = 0; c < target.classes; ++c) {
        const F32 t = group.load(x + c * x_stride + i) - highest;
        const F32 e = L::exp(t);
        const F32 w = F32::set(target.class_weights[c]);
        const auto is_label = label == I32::set(static_cast<std::int32_t>(c));
        total = total + e;
        least = min(e, least);
        label_t = select(is_label, t, label_t);
        label_weight = select(is_label, w, label_weight);
        weighted_t = fma(w, t, weighted_t);
        if (probabilities != nullptr) group.store(probabilities + c * probabilities_stride + i, e);
      }
      total.store(totals + in_chunk);
      least.store(leasts + in_chunk);
      label_t.store(label_ts + in_chunk);
      label_weight.store(label_weights + in_chunk);
      weighted_t.store(weighted_ts + in_chunk);
    });
    for_each_group<L>(size, [&](Index in_chunk, auto group) {
      const F32 total = F32::load(totals + in_chunk), label_weight = F32::load(label_weights + in_chunk);
      const F32 log_total = L::log(total);
      F32 sample = F32::set(target.on) * label_weight * (log_total - F32::load(label_ts + in_chunk));
      if (target.off != 0.0F)
        sample = fma(
            F32::set(target.off),
            fma(F32::set(target.weight_total), log_total, F32::zero() - F32::load(weighted_ts + in_chunk)),
            sample);
      loss = loss + group.only(sample);
      weights = weights + group.only(label_weight);
      if (probabilities == nullptr) return;
      const typename L::Total by_total(total, F32::load(leasts + in_chunk));
      for (Index c = 0; c < target.classes; ++c) {
        float* p = probabilities + c * probabilities_stride + first + in_chunk;
        group.store(p, group.load(p) / by_total);
      }
    });
  }
  return {L::sum(loss), L::sum(weights), correct};
}

// d_x_c = factor·((on·w_label + off·W)·p_c - on·w_label·[c = label] - off·w_c)
template <class L>
void cross_entropy_backward(const CrossEntropyTarget& target, Index n, float factor,
                            const float* probabilities, Index probabilities_stride,
                            const std::int32_t* labels, float* d_x, Index d_x_stride, bool accumulate) {
  using F32 = typename L::F32;
  using I32 = typename L::I32;
  const F32 f = F32::set(factor), smooth_total = F32::set(target.off * target.weight_total);
  for_each_group<L>(n, [&](Index i, auto group) {
    const I32 label = group.load(labels + i);
    F32 hit = F32::zero();  // on·w_label
    for (Index c = 0; c < target.classes; ++c)
      hit = select(label == I32::set(static_cast<std::int32_t>(c)),
                   F32::set(target.on * target.class_weights[c]), hit);
    const F32 pull = hit + smooth_total;
    for (Index c = 0; c < target.classes; ++c) {
      const F32 p = group.load(probabilities + c * probabilities_stride + i);
      const F32 q = select(label == I32::set(static_cast<std::int32_t>(c)), hit, F32::zero()) +
                    F32::set(target.off * target.class_weights[c]);
      deliver<L>(group, d_x + c * d_x_stride + i, f * (pull * p - q), accumulate);
    }
  });
}

template <class L>
float sum_squared_differences(Index n, const float* a, const float* b) {
  auto total = L::F32::zero();
  for_each_group<L>(n, [&](Index i, auto group) {
    const auto d = group.load(a + i) - group.load(b + i);
    total = fma(d, d, total);
  });
  return L::sum(total);
}

template <class L>
void mse_backward(Index n, float factor, const float* a, const float* b, float* d, bool accumulate) {
  const auto f = L::F32::set(factor);
  for_each_group<L>(n, [&](Index i, auto group) {
    deliver<L>(group, d + i, f * (group.load(a + i) - group.load(b + i)), accumulate);
  });
}

}  // namespace jsc::ops_kernels_detail
