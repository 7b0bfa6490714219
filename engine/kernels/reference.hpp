// The normative loops of engine/gemm.hpp: which roundings happen, in which order. Every kernel gives these
// bits. Never optimised; the tests are the only caller beside readers.
#pragma once

#include <algorithm>
#include <cmath>

#include "engine/gemm.hpp"
#include "engine/threads.hpp"

namespace jsc::reference {

// One chain of fused multiply-adds an element, inputs in ascending order.
inline void gemm_forward(ConstMatrix w, const float* bias, ConstMatrix x, Matrix y, bool relu = false) {
  for (Index o = 0; o < w.rows; ++o)
    for (Index b = 0; b < x.cols; ++b) {
      float acc = bias != nullptr ? bias[o] : 0.0F;
      for (Index k = 0; k < w.cols; ++k) acc = std::fma(w(o, k), x(k, b), acc);
      y(o, b) = relu && 0.0F > acc ? 0.0F : acc;
    }
}

// The same chain, then a normalization by statistics that are known, then a ReLU. ends[out][3].
inline void gemm_forward_normalized(ConstMatrix w, const float* ends, ConstMatrix x, Matrix y) {
  for (Index o = 0; o < w.rows; ++o)
    for (Index b = 0; b < x.cols; ++b) {
      float acc = ends[3 * o];
      for (Index k = 0; k < w.cols; ++k) acc = std::fma(w(o, k), x(k, b), acc);
      acc = std::fma(acc, ends[3 * o + 1], ends[3 * o + 2]);
      y(o, b) = 0.0F > acc ? 0.0F : acc;
    }
}

// The same over the outputs, starting from what is there.
inline void gemm_backward_input(ConstMatrix w, ConstMatrix d_y, Matrix d_x, bool accumulate) {
  for (Index k = 0; k < w.cols; ++k)
    for (Index b = 0; b < d_y.cols; ++b) {
      float acc = accumulate ? d_x(k, b) : 0.0F;
      for (Index o = 0; o < w.rows; ++o) acc = std::fma(w(o, k), d_y(o, b), acc);
      d_x(k, b) = acc;
    }
}

// Adds 16 lanes in the fixed tree of kernels/lanes_portable.hpp.
inline float tree_sum(const float (&lane)[kLanes]) {
  float x[8], y[4];
  for (int i = 0; i < 8; ++i) x[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) y[i] = x[i] + x[i + 4];
  return (y[0] + y[2]) + (y[1] + y[3]);
}

// A reduction over samples: 16 lanes inside a block of kSampleBlock, the tree, then the blocks in ascending
// order. step(lane_value, sample) is one link of a lane's chain.
template <class Step>
float reduce_samples(Index samples, const Step& step) {
  float total = 0.0F;
  for (Index begin = 0; begin < samples; begin += kSampleBlock) {
    float lane[kLanes] = {};
    for (Index b = begin; b < std::min(samples, begin + kSampleBlock); ++b) {
      float& value = lane[b % kLanes];
      value = step(value, b);
    }
    total = begin == 0 ? tree_sum(lane) : total + tree_sum(lane);
  }
  return total;
}

inline void gemm_backward_weight(ConstMatrix d_y, ConstMatrix x, Matrix d_w, bool accumulate) {
  for (Index o = 0; o < d_w.rows; ++o)
    for (Index k = 0; k < d_w.cols; ++k) {
      const float total =
          reduce_samples(x.cols, [&](float acc, Index b) { return std::fma(d_y(o, b), x(k, b), acc); });
      d_w(o, k) = accumulate ? d_w(o, k) + total : total;
    }
}

inline void row_sums(ConstMatrix a, float* sums, bool accumulate) {
  for (Index r = 0; r < a.rows; ++r) {
    const float total = reduce_samples(a.cols, [&](float acc, Index b) { return acc + a(r, b); });
    sums[r] = accumulate ? sums[r] + total : total;
  }
}

}  // namespace jsc::reference
