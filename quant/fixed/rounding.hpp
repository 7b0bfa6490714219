// Rounding a number raw · 2^-shift to an integer (docs/fixed_point.md, FX-3). The first half of every cast.
#pragma once

#include <cassert>
#include <cstdint>

#include "quant/fixed/wide.hpp"

namespace jsc::fixed {

// Where the integer next to x lies. "Nearest" modes differ in ties only.
enum class Rounding : std::uint8_t {
  rnd,           // nearest, ties toward +infinity: floor(x + 1/2)
  rnd_zero,      // nearest, ties toward 0
  rnd_min_inf,   // nearest, ties toward -infinity
  rnd_inf,       // nearest, ties away from 0
  rnd_conv,      // nearest, ties to the even integer
  rnd_conv_odd,  // nearest, ties to the odd integer
  trn,           // floor(x)
  trn_zero,      // toward 0
  ceil,          // toward +infinity
  up,            // away from 0
};
inline constexpr int kRoundings = 10;

// What lies between floor(x) and x: all that rounding needs to know beside the floor.
enum class Tail : std::uint8_t { zero, below_half, half, above_half };

struct Split {
  Wide floor;
  Tail tail;
};

// raw · 2^-shift as floor and tail; shift > 0, as large as you like.
constexpr Split split(Wide raw, int shift) {
  assert(shift > 0);
  if (shift >= kWideBits) {
    if (raw == 0) return {0, Tail::zero};
    if (raw > 0) return {0, Tail::below_half};
    return {-1, shift == kWideBits && raw == kWideMin ? Tail::half : Tail::above_half};
  }
  const UWide half = UWide{1} << (shift - 1);
  const UWide rest = static_cast<UWide>(raw) & ((half << 1) - 1);
  const Tail tail = rest == 0     ? Tail::zero
                    : rest < half ? Tail::below_half
                    : rest > half ? Tail::above_half
                                  : Tail::half;
  return {raw >> shift, tail};
}

// The integer that x = floor + tail rounds to: floor, or floor + 1.
constexpr Wide round(Split x, Rounding mode) {
  const bool negative = x.floor < 0;  // of x too: a floor of -1 or less is below 0
  const bool odd = (x.floor & 1) != 0;
  const bool inexact = x.tail != Tail::zero;
  const bool tie = x.tail == Tail::half;
  const bool nearer_above = x.tail == Tail::above_half;
  bool above = false;
  switch (mode) {
    case Rounding::rnd:
      above = nearer_above || tie;
      break;
    case Rounding::rnd_zero:
      above = nearer_above || (tie && negative);
      break;
    case Rounding::rnd_min_inf:
      above = nearer_above;
      break;
    case Rounding::rnd_inf:
      above = nearer_above || (tie && !negative);
      break;
    case Rounding::rnd_conv:
      above = nearer_above || (tie && odd);
      break;
    case Rounding::rnd_conv_odd:
      above = nearer_above || (tie && !odd);
      break;
    case Rounding::trn:
      above = false;
      break;
    case Rounding::trn_zero:
      above = inexact && negative;
      break;
    case Rounding::ceil:
      above = inexact;
      break;
    case Rounding::up:
      above = inexact && !negative;
      break;
  }
  return x.floor + (above ? 1 : 0);
}

// raw · 2^-shift rounded to an integer. A shift of 0 or less is an exact shift to the left, whose result must
// fit 128 bits.
constexpr Wide round_shift(Wide raw, int shift, Rounding mode) {
  if (shift > 0) return round(split(raw, shift), mode);
  if (raw == 0) return 0;
  assert(shift > -kWideBits);
  const Wide shifted = static_cast<Wide>(static_cast<UWide>(raw) << -shift);
  assert((shifted >> -shift) == raw);
  return shifted;
}

}  // namespace jsc::fixed
