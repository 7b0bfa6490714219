// The least and the largest of float32 values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/tensor.hpp"

namespace jsc {

struct Extremes {
  std::int64_t count = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();

  void add(const float* x, Index n) {
    float low[16], high[16];  // lanes, so that the loop becomes vector minima
    for (int l = 0; l < 16; ++l) {
      low[l] = min;
      high[l] = max;
    }
    Index i = 0;
    for (; i + 16 <= n; i += 16)
      for (int l = 0; l < 16; ++l) {
        low[l] = x[i + l] < low[l] ? x[i + l] : low[l];
        high[l] = x[i + l] > high[l] ? x[i + l] : high[l];
      }
    for (; i < n; ++i) {
      low[0] = std::min(low[0], x[i]);
      high[0] = std::max(high[0], x[i]);
    }
    min = *std::min_element(low, low + 16);
    max = *std::max_element(high, high + 16);
    count += n;
  }
  void merge(const Extremes& later) {
    min = std::min(min, later.min);
    max = std::max(max, later.max);
    count += later.count;
  }
  void clear() { *this = {}; }
};

}  // namespace jsc
