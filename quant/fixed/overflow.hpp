// Bringing an integer into the range of a format (docs/fixed_point.md, FX-4 to FX-7). The second half of
// every cast. Where ap_fixed and SystemC differ this is ap_fixed's way (FX-18).
#pragma once

#include "quant/fixed/format.hpp"

namespace jsc::fixed {

// The low bits of raw read as a number of that width, 1 to 128.
constexpr Wide wrap_to(Wide raw, int width, bool is_signed) {
  assert(width >= 1 && width <= kWideBits);
  const int unused = kWideBits - width;
  // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it does not know the assertion
  const UWide top = static_cast<UWide>(raw) << unused;
  return is_signed ? static_cast<Wide>(top) >> unused : static_cast<Wide>(top >> unused);
}

// raw is the rounded value in LSBs of the format. bit_above is the bit left of the format's most significant
// one before rounding, floor(value) taken; WRAP_SM with N = 0 makes it the sign, and nothing else looks at
// it.
constexpr Wide handle_overflow(Wide raw, const Format& to, bool bit_above) {
  const Wide low = to.min_raw(), high = to.max_raw();
  if (raw >= low && raw <= high) {
    const bool asymmetric = to.overflow == Overflow::sat_sym && to.is_signed && raw == low && to.width > 1;
    return asymmetric ? -high : raw;
  }
  const bool negative = raw < 0;
  const int n = to.saturated_bits;
  switch (to.overflow) {
    case Overflow::sat:
      return negative ? low : high;
    case Overflow::sat_zero:
      return 0;
    case Overflow::sat_sym:  // one signed bit has no -max beside 0; ap_fixed keeps -1 (FX-5)
      return !negative ? high : to.is_signed && to.width > 1 ? -high : low;
    case Overflow::wrap:
    case Overflow::wrap_sm:
      break;
  }
  const bool mirrored = to.overflow == Overflow::wrap_sm;
  if (n == 0) {
    const bool invert = mirrored && bit_above != bit(raw, to.width - 1);
    return wrap_to(invert ? ~raw : raw, to.width, to.is_signed);
  }
  // N most significant bits saturate, the others are kept; WRAP_SM inverts these when the lowest of the
  // saturated bits changes. An unsigned format saturates to ones from below too (FX-6).
  const Wide saturated = negative && to.is_signed ? low : high;
  const int kept = to.width - n;
  const Wide mask = ~(~Wide{0} << kept);
  const bool invert = mirrored && bit(raw, kept) != bit(saturated, kept);
  return (saturated & ~mask) | ((invert ? ~raw : raw) & mask);
}

// The same for a value that needed no rounding.
constexpr Wide handle_overflow(Wide raw, const Format& to) {
  return handle_overflow(raw, to, bit(raw, to.width));
}

}  // namespace jsc::fixed
