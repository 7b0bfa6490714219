// The normative loops of the kernels in kernels.inc, one value at a time: which roundings happen, in which
// order. Every ISA gives these bits. Never optimised; the tests are the only caller beside readers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/kernels/reference.hpp"
#include "engine/math.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc::reference {

inline void deliver(float& d, float share, bool accumulate) {
  d = accumulate ? d + share : share;
}

// Lane l sums the values i with i mod 16 = l in ascending order, then the fixed tree.
template <class Step>
float reduce_lanes(Index n, const Step& step) {
  float lane[kLanes] = {};
  for (Index i = 0; i < n; ++i) lane[i % kLanes] = step(lane[i % kLanes], i);
  return tree_sum(lane);
}

inline float relu(float x) {
  return 0.0F > x ? 0.0F : x;
}
inline void relu_forward(Index rows, Index n, const float* x, Index x_stride, float* y, Index y_stride) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) y[r * y_stride + i] = relu(x[r * x_stride + i]);
}
inline void relu_backward(Index rows, Index n, const float* x, Index x_stride, const float* d_y,
                          Index d_y_stride, float* d_x, Index d_x_stride, bool accumulate) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i)
      deliver(d_x[r * d_x_stride + i], x[r * x_stride + i] <= 0.0F ? 0.0F : d_y[r * d_y_stride + i],
              accumulate);
}
inline void leaky_relu_forward(Index n, float slope, const float* x, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = x[i] > 0.0F ? x[i] : x[i] * slope;
}
inline void leaky_relu_backward(Index n, float slope, const float* x, const float* d_y, float* d_x,
                                bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d_x[i], x[i] > 0.0F ? d_y[i] : d_y[i] * slope, accumulate);
}
inline void hardtanh_forward(Index n, float lo, float hi, const float* x, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}
inline void hardtanh_backward(Index n, float lo, float hi, const float* x, const float* d_y, float* d_x,
                              bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d_x[i], lo < x[i] && x[i] < hi ? d_y[i] : 0.0F, accumulate);
}
inline void sigmoid_forward(Index n, const float* x, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = 1.0F / (1.0F + exp_f32(-x[i]));
}
inline void sigmoid_backward(Index n, const float* y, const float* d_y, float* d_x, bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d_x[i], d_y[i] * (y[i] * (1.0F - y[i])), accumulate);
}
inline float tanh_of(float x) {
  if (std::fabs(x) < 0.625F) {
    const float z = x * x;
    float p = -5.70498872745e-3F;
    for (float c : {2.06390887954e-2F, -5.37397155531e-2F, 1.33314422036e-1F, -3.33332819422e-1F})
      p = std::fma(p, z, c);
    return std::fma(p * z, x, x);
  }
  const float e = exp_f32(-2.0F * std::fabs(x));
  const float t = (1.0F - e) / (1.0F + e);
  return x < 0.0F ? -t : t;
}
inline void tanh_forward(Index n, const float* x, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = tanh_of(x[i]);
}
inline void tanh_backward(Index n, const float* y, const float* d_y, float* d_x, bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d_x[i], d_y[i] * (1.0F - y[i] * y[i]), accumulate);
}

inline void add(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] + b[i];
}
inline void subtract(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] - b[i];
}
inline void multiply(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] * b[i];
}
inline void scale(Index n, float factor, const float* a, float* d, bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d[i], factor * a[i], accumulate);
}
inline void multiply_backward(Index n, const float* a, const float* b, float* d, bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d[i], a[i] * b[i], accumulate);
}
inline void dropout_forward(Index n, float p, float factor, float* mask, const float* x, float* y) {
  for (Index i = 0; i < n; ++i) {
    mask[i] = mask[i] < p ? 0.0F : factor;
    y[i] = x[i] * mask[i];
  }
}

inline float sum(Index n, const float* x) {
  return reduce_lanes(n, [&](float lane, Index i) { return lane + x[i]; });
}
inline void moments(Index rows, Index n, const float* x, Index x_stride, float* sums, float* squares) {
  for (Index r = 0; r < rows; ++r, x += x_stride) {
    sums[r] = sum(n, x);
    const float mean = sums[r] / static_cast<float>(n);
    squares[r] =
        reduce_lanes(n, [&](float lane, Index i) { return std::fma(x[i] - mean, x[i] - mean, lane); });
  }
}
inline float normalized(const NormalizeRows& norm, Index r, float x) {
  return std::fma(x - norm.mean[r], norm.scale[r], norm.bias != nullptr ? norm.bias[r] : 0.0F);
}
inline void normalize(Index rows, Index n, const NormalizeRows& norm, const float* x, Index x_stride,
                      float* y, Index y_stride) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) {
      float& to = y[r * y_stride + i];
      to = normalized(norm, r, x[r * x_stride + i]);
      if (norm.relu) to = relu(to);
    }
}
inline void affine(Index rows, Index n, const float* alpha, const float* beta, bool relu, const float* x,
                   Index x_stride, float* y, Index y_stride) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) {
      float& to = y[r * y_stride + i];
      to = std::fma(x[r * x_stride + i], alpha[r], beta[r]);
      if (relu) to = reference::relu(to);
    }
}
// d_y behind the ReLU, if there is one.
inline float d_normalized(const NormalizeRows& norm, Index r, float x, float d_y) {
  return norm.relu && normalized(norm, r, x) <= 0.0F ? 0.0F : d_y;
}
inline void batch_norm_sums(Index rows, Index n, const NormalizeRows& norm, const float* x, Index x_stride,
                            const float* d_y, Index d_y_stride, float* plain, float* centered) {
  for (Index r = 0; r < rows; ++r, x += x_stride, d_y += d_y_stride) {
    const auto d = [&](Index i) { return d_normalized(norm, r, x[i], d_y[i]); };
    plain[r] = reduce_lanes(n, [&](float lane, Index i) { return lane + d(i); });
    centered[r] =
        reduce_lanes(n, [&](float lane, Index i) { return std::fma(d(i), x[i] - norm.mean[r], lane); });
  }
}
inline void batch_norm_backward(Index rows, Index n, const NormalizeRows& norm, const float* mean_d,
                                const float* slope, const float* x, Index x_stride, const float* d_y,
                                Index d_y_stride, float* d_x, Index d_x_stride, bool accumulate) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) {
      const float from = x[r * x_stride + i], d = d_normalized(norm, r, from, d_y[r * d_y_stride + i]);
      deliver(d_x[r * d_x_stride + i],
              norm.scale[r] * std::fma(from - norm.mean[r], -slope[r], d - mean_d[r]), accumulate);
    }
}

inline void softmax_forward(Index classes, Index n, const float* x, Index x_stride, float* y,
                            Index y_stride) {
  for (Index i = 0; i < n; ++i) {
    float highest = x[i], total = 0.0F;
    for (Index c = 1; c < classes; ++c) highest = std::max(highest, x[c * x_stride + i]);
    for (Index c = 0; c < classes; ++c) {
      y[c * y_stride + i] = exp_f32(x[c * x_stride + i] - highest);
      total += y[c * y_stride + i];
    }
    for (Index c = 0; c < classes; ++c) y[c * y_stride + i] /= total;
  }
}
inline void softmax_backward(Index classes, Index n, const float* y, Index y_stride, const float* d_y,
                             Index d_y_stride, float* d_x, Index d_x_stride, bool accumulate) {
  for (Index i = 0; i < n; ++i) {
    float dot = 0.0F;
    for (Index c = 0; c < classes; ++c) dot = std::fma(y[c * y_stride + i], d_y[c * d_y_stride + i], dot);
    for (Index c = 0; c < classes; ++c)
      deliver(d_x[c * d_x_stride + i], y[c * y_stride + i] * (d_y[c * d_y_stride + i] - dot), accumulate);
  }
}

inline CrossEntropySums cross_entropy_forward(const CrossEntropyTarget& target, Index n, const float* x,
                                              Index x_stride, const std::int32_t* labels,
                                              float* probabilities, Index probabilities_stride) {
  std::vector<float> losses, weights;
  std::int32_t correct = 0;
  for (Index i = 0; i < n; ++i) {
    Index predicted = 0;
    for (Index c = 1; c < target.classes; ++c)
      if (x[c * x_stride + i] > x[predicted * x_stride + i]) predicted = c;
    correct += predicted == labels[i] ? 1 : 0;
    float total = 0.0F, label_t = 0.0F, weighted_t = 0.0F;
    for (Index c = 0; c < target.classes; ++c) {
      const float t = x[c * x_stride + i] - x[predicted * x_stride + i];
      const float e = exp_f32(t);
      total += e;
      if (c == labels[i]) label_t = t;
      weighted_t = std::fma(target.class_weights[c], t, weighted_t);
      if (probabilities != nullptr) probabilities[c * probabilities_stride + i] = e;
    }
    const float weight = target.class_weights[labels[i]], log_total = log_f32(total);
    float loss = target.on * weight * (log_total - label_t);
    if (target.off != 0.0F)
      loss = std::fma(target.off, std::fma(target.weight_total, log_total, -weighted_t), loss);
    losses.push_back(loss);
    weights.push_back(weight);
    for (Index c = 0; c < target.classes && probabilities != nullptr; ++c)
      probabilities[c * probabilities_stride + i] /= total;
  }
  return {sum(n, losses.data()), sum(n, weights.data()), correct};
}
inline void cross_entropy_backward(const CrossEntropyTarget& target, Index n, float factor,
                                   const float* probabilities, Index probabilities_stride,
                                   const std::int32_t* labels, float* d_x, Index d_x_stride,
                                   bool accumulate) {
  for (Index i = 0; i < n; ++i) {
    const float hit = target.on * target.class_weights[labels[i]];
    const float pull = hit + target.off * target.weight_total;
    for (Index c = 0; c < target.classes; ++c) {
      const float q = (c == labels[i] ? hit : 0.0F) + target.off * target.class_weights[c];
      deliver(d_x[c * d_x_stride + i], factor * (pull * probabilities[c * probabilities_stride + i] - q),
              accumulate);
    }
  }
}
inline float sum_squared_differences(Index n, const float* a, const float* b) {
  return reduce_lanes(n, [&](float lane, Index i) { return std::fma(a[i] - b[i], a[i] - b[i], lane); });
}
inline void mse_backward(Index n, float factor, const float* a, const float* b, float* d, bool accumulate) {
  for (Index i = 0; i < n; ++i) deliver(d[i], factor * (a[i] - b[i]), accumulate);
}

inline void add_up(Index n, Index count, const float* from, Index distance, float* to, bool accumulate) {
  for (Index i = 0; i < n; ++i) {
    float total = from[i];
    for (Index k = 1; k < count; ++k) total += from[k * distance + i];
    deliver(to[i], total, accumulate);
  }
}

inline void sgd_step(Index n, const SgdStep& step, float* w, const float* g, float* momentum_buffer) {
  for (Index i = 0; i < n; ++i) {
    float d = g[i];
    if (step.weight_decay != 0.0F) d = std::fma(w[i], step.weight_decay, d);
    if (step.momentum != 0.0F) {
      momentum_buffer[i] = momentum_buffer[i] * step.momentum + d;
      d = step.nesterov ? std::fma(momentum_buffer[i], step.momentum, d) : momentum_buffer[i];
    }
    w[i] = std::fma(d, -step.learning_rate, w[i]);
  }
}
inline void adam_step(Index n, const AdamStep& step, float* w, const float* g, float* m, float* v) {
  for (Index i = 0; i < n; ++i) {
    w[i] *= step.shrink;
    float d = g[i];
    if (step.weight_decay != 0.0F) d = std::fma(w[i], step.weight_decay, d);
    m[i] = std::fma(d, step.one_minus_beta1, m[i] * step.beta1);
    v[i] = std::fma(step.one_minus_beta2 * d, d, v[i] * step.beta2);
    w[i] += -step.step_size * m[i] / (std::sqrt(v[i]) / step.bias_correction2_sqrt + step.eps);
  }
}
inline float l1_penalty(Index n, float lambda, const float* w, float* g) {
  for (Index i = 0; i < n; ++i) g[i] += w[i] > 0.0F ? lambda : w[i] < 0.0F ? -lambda : 0.0F;
  return reduce_lanes(n, [&](float lane, Index i) { return lane + std::fabs(w[i]); });
}
inline float sum_squares(Index n, const float* x) {
  return reduce_lanes(n, [&](float lane, Index i) { return std::fma(x[i], x[i], lane); });
}

}  // namespace jsc::reference
