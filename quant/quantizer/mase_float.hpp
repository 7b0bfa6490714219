// What MASE's formulas share where its results are wanted, defects included (compat = "mase"; mase-spec.md 6,
// All of it in float32 and one operation after the other, so that every bit is the same.
#pragma once

#include <algorithm>
#include <cmath>

namespace jsc::mase {

inline constexpr float kEpsilon = 1e-9F;  // added before signs and logarithms
inline constexpr float kTiny = 1e-8F;     // up to here numbers pass through

// 0 for 0.
inline float sign(float x) {
  return x > 0.0F ? 1.0F : x < 0.0F ? -1.0F : x;
}

// Of float32's logarithm, which is an integer already for some numbers just below a power of two.
inline int floor_log2(float x, int lo, int hi) {
  return static_cast<int>(
      std::clamp(std::floor(std::log2(x)), static_cast<float>(lo), static_cast<float>(hi)));
}
inline int ceil_log2(float x, int lo, int hi) {
  return static_cast<int>(
      std::clamp(std::ceil(std::log2(x)), static_cast<float>(lo), static_cast<float>(hi)));
}
inline int round_log2(float x, int lo, int hi) {
  return static_cast<int>(
      std::clamp(std::nearbyint(std::log2(x)), static_cast<float>(lo), static_cast<float>(hi)));
}

// q, or x where it is tiny, as a sum of products with 0 and 1: infinities become NaN, and -0 becomes 0.
inline float blend(float x, float q) {
  const float pass = std::fabs(x) <= kTiny ? 1.0F : 0.0F;
  return (1.0F - pass) * q + pass * x;
}

}  // namespace jsc::mase
