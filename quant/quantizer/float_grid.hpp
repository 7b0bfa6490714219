// Rounding to floating-point numbers of few bits, which minifloats, denormalized minifloats and blocks of
// both share. The numbers between two powers of two are equally spaced:
//   Q(x) = sign(x) min(round(|x| / step) step, largest),  step = 2^(max(floor(log2 |x|), lowest) - fraction)
// round is to nearest, ties to the even multiple, and may carry to the next power of two. Computed exactly:
// the exponent is taken from the bits, and double holds every product here.
#pragma once

namespace jsc {

struct FloatGrid {
  int fraction_bits;    // steps between two powers of two: 2^fraction_bits; at most 23
  int lowest_exponent;  // below 2^lowest_exponent the step stays the same
  double largest;       // a number of the grid
};

// Infinities saturate to the largest number, NaN stays NaN, and what rounds to 0 keeps its sign.
float round_to_grid(float x, const FloatGrid& grid);

}  // namespace jsc
