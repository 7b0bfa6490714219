// Elementary functions of our own, because a libm may choose its variant by processor and so change bits.
// Built from +, -, *, fma and rounding only; the vector versions (engine/kernels/math_lanes.hpp) give the
// same bits. Errors against the exact value, checked over every float32 by tests/engine/test_math.cpp.
#pragma once

#include <cstdint>

namespace jsc {

// e^x within kExpUlp. Overflows to inf above 88.72, underflows gradually to 0 below -103.97; NaN gives NaN.
float exp_f32(float x);
inline constexpr double kExpUlp = 1.1;

// Natural logarithm within kLogUlp. 0 gives -inf, negative gives NaN, inf gives inf, NaN gives NaN.
float log_f32(float x);
inline constexpr double kLogUlp = 1.1;

// base^n by repeated squaring: the same bits everywhere, which libm's pow does not promise. n >= 0.
constexpr double power(double base, std::int64_t n) {
  double result = 1.0;
  for (; n > 0; n /= 2, base *= base)
    if (n % 2 == 1) result *= base;
  return result;
}

// cos(x) within 1e-15 for |x| <= 1000: for learning-rate schedules.
double cos_f64(double x);

}  // namespace jsc
