#include "engine/math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace jsc {

namespace {

// The operations of a lane type (kernels/lanes_portable.hpp) on a single lane.
struct I32 {
  std::int32_t v;
  static I32 set(std::int32_t s) { return {s}; }
};
struct F32 {
  float v;
  static F32 set(float s) { return {s}; }
  static F32 zero() { return {0.0F}; }
};
F32 operator+(F32 a, F32 b) {
  return {a.v + b.v};
}
F32 operator-(F32 a, F32 b) {
  return {a.v - b.v};
}
F32 operator*(F32 a, F32 b) {
  return {a.v * b.v};
}
F32 fma(F32 a, F32 b, F32 c) {
  return {std::fma(a.v, b.v, c.v)};
}
F32 max(F32 a, F32 b) {
  return a.v > b.v ? a : b;
}
F32 min(F32 a, F32 b) {
  return a.v < b.v ? a : b;
}
F32 round_even(F32 a) {
  return {std::nearbyint(a.v)};
}
bool operator<(F32 a, F32 b) {
  return a.v < b.v;
}
bool operator==(F32 a, F32 b) {
  return a.v == b.v;
}
template <class T>
T select(bool m, T a, T b) {
  return m ? a : b;
}
I32 operator+(I32 a, I32 b) {
  return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) + static_cast<std::uint32_t>(b.v))};
}
I32 operator-(I32 a, I32 b) {
  return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) - static_cast<std::uint32_t>(b.v))};
}
template <int n>
I32 shift_left(I32 a) {
  return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) << n)};
}
template <int n>
I32 shift_right(I32 a) {
  return {a.v >> n};
}
F32 to_float(I32 a) {
  return {static_cast<float>(a.v)};
}
I32 to_int(F32 a) {
  return {static_cast<std::int32_t>(a.v)};
}
I32 bits(F32 a) {
  return {std::bit_cast<std::int32_t>(a.v)};
}
F32 from_bits(I32 a) {
  return {std::bit_cast<float>(a.v)};
}

}  // namespace

}  // namespace jsc

#include "engine/kernels/math_lanes.hpp"

namespace jsc {

float exp_f32(float x) {
  return exp_lanes(F32{x}).v;
}

float log_f32(float x) {
  return log_lanes(F32{x}).v;
}

// x = q pi/2 + r, |r| <= pi/4, with pi/2 in three parts; then the Taylor series of cos or sin, whose first
// term left out is below 1e-17.
double cos_f64(double x) {
  const double q = std::nearbyint(x * 0x1.45f306dc9c883p-1);
  double r = std::fma(q, -0x1.921fb54442d18p+0, x);
  r = std::fma(q, -0x1.1a62633145c07p-54, r);
  const double s = r * r;
  const int quadrant = static_cast<int>(q) & 3;
  double y;
  if (quadrant % 2 == 0) {
    double factorial_term = 1.0;
    y = 1.0;
    for (int n = 2; n <= 18; n += 2) {
      factorial_term *= -s / (n * (n - 1));
      y += factorial_term;
    }
  } else {
    double factorial_term = r;
    y = r;
    for (int n = 3; n <= 17; n += 2) {
      factorial_term *= -s / (n * (n - 1));
      y += factorial_term;
    }
  }
  return quadrant == 1 || quadrant == 2 ? -y : y;
}

}  // namespace jsc
