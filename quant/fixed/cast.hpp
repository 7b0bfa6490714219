// The cast: any number to a format, rounding first, then overflow (docs/fixed_point.md, FX-2). The carrier of
// scalars is Wide, because no 64-bit type holds the raw values of both fixed<64,I> and ufixed<64,I>.
// Formats are taken as valid (check() them once, where they come in).
#pragma once

#include "quant/fixed/overflow.hpp"
#include "quant/fixed/real.hpp"
#include "quant/fixed/rounding.hpp"

namespace jsc::fixed {

struct Cast {
  Wide raw;
  bool rounded;     // the value lay between two neighbors of the target's grid
  bool overflowed;  // the rounded value is not what came out
};

// A number that every format of at most 64 bits handles as it would raw · 2^shift: the same sign and low
// bits, and out of range if that is. It is the product itself where 128 bits hold it.
constexpr Wide scale_up(Wide raw, int shift) {
  if (shift == 0 || raw == 0) return raw;
  constexpr int kFar = 100;
  Wide low = 0;
  if (shift < kWideBits) {
    const Wide shifted = static_cast<Wide>(static_cast<UWide>(raw) << shift);
    if ((shifted >> shift) == raw) return shifted;
    low = shifted & ~(~Wide{0} << kFar);
  }
  return raw < 0 ? low - (Wide{1} << (kFar + 1)) : low + (Wide{1} << (kFar + 1));
}

// raw · 2^-fraction cast to a format.
constexpr Cast cast_detailed(Wide raw, int fraction, const Format& to) {
  assert(to.width <= kMaxWidth);
  const int shift = fraction - to.fraction();
  const Split value = shift > 0 ? split(raw, shift) : Split{scale_up(raw, -shift), Tail::zero};
  const Wide rounded = round(value, to.rounding);
  const Wide result = handle_overflow(rounded, to, bit(value.floor, to.width));
  return {result, value.tail != Tail::zero, result != rounded};
}

constexpr Wide cast(Wide raw, int fraction, const Format& to) {
  return cast_detailed(raw, fraction, to).raw;
}

// Exact for every finite double, subnormals included. An infinity is a power of two beyond every format: it
// saturates where the format saturates, gives 0 with SAT_ZERO and with WRAP and WRAP_SM at N = 0, and the N
// saturated bits otherwise. NaN gives 0 and counts as overflowed.
constexpr Cast from_double_detailed(double value, const Format& to) {
  const Decoded parts = decode(value);
  switch (parts.kind) {
    case Decoded::Kind::nan:
      return {0, false, true};
    case Decoded::Kind::infinite:
      return cast_detailed(parts.negative ? -1 : 1, -4 * kMaxInteger, to);
    case Decoded::Kind::finite:
      break;
  }
  return cast_detailed(parts.mantissa, parts.fraction, to);
}

constexpr Wide from_double(double value, const Format& to) {
  return from_double_detailed(value, to).raw;
}

}  // namespace jsc::fixed
