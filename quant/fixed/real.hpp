// Fixed-point numbers as binary64 and back, bit by bit and without libm (docs/fixed_point.md, FX-8 and FX-9).
#pragma once

#include <bit>
#include <cstdint>

#include "quant/fixed/rounding.hpp"

namespace jsc::fixed {

static_assert(sizeof(double) == 8);

// raw · 2^-fraction as a double: exact where 53 bits hold it, otherwise to nearest, ties to even; infinite
// above double's range, subnormal or 0 below it.
constexpr double to_double(Wide raw, int fraction) {
  if (raw == 0) return 0.0;
  const int exponent = bit_length(magnitude(raw)) - 1 - fraction;  // 2^exponent <= |value| < 2^(exponent + 1)
  const std::uint64_t sign = raw < 0 ? std::uint64_t{1} << 63 : 0;
  if (exponent > 1023) return std::bit_cast<double>(sign | 0x7ff0000000000000);
  const int lsb = exponent - 52 > -1074 ? exponent - 52 : -1074;  // the result is mantissa · 2^lsb
  const auto mantissa =
      static_cast<std::uint64_t>(magnitude(round_shift(raw, fraction + lsb, Rounding::rnd_conv)));
  // The hidden bit of a normal number adds 1 to the exponent field, and so does a mantissa rounded up to
  // 2^53.
  return std::bit_cast<double>(sign | ((static_cast<std::uint64_t>(lsb + 1074) << 52) + mantissa));
}

// A double taken apart: mantissa · 2^-fraction.
struct Decoded {
  enum class Kind : std::uint8_t { finite, infinite, nan };
  Kind kind;
  bool negative;
  Wide mantissa;  // with the sign; 0 unless finite
  int fraction;
};

constexpr Decoded decode(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const bool negative = bits >> 63 != 0;
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  const std::uint64_t field = bits & 0xfffffffffffff;
  if (exponent == 0x7ff) return {field != 0 ? Decoded::Kind::nan : Decoded::Kind::infinite, negative, 0, 0};
  const Wide size = exponent == 0 ? field : field | std::uint64_t{1} << 52;
  return {Decoded::Kind::finite, negative, negative ? -size : size,
          1074 - (exponent == 0 ? 0 : exponent - 1)};
}

}  // namespace jsc::fixed
