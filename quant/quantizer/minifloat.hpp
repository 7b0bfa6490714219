// The parameters of a minifloat: one sign bit, `exponent_width` bits of exponent, the rest fraction. No code
// is kept for infinities or NaN.
#pragma once

#include <algorithm>
#include <cmath>

namespace jsc {

struct Minifloat {
  int width, exponent_width, bias;

  int fraction_bits() const { return width - exponent_width - 1; }
  int lowest_exponent() const { return -bias; }
  int highest_exponent() const { return (1 << exponent_width) - 1 - bias; }
  // What float32 has of it.
  int highest_float_exponent() const { return std::min(highest_exponent(), 127); }
};

}  // namespace jsc
