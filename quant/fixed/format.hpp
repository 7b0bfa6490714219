// A fixed-point format: fixed<W,I,Q,O,N> or ufixed<W,I,Q,O,N> (docs/fixed_point.md, FX-1).
//   W bits in all, I of them left of the binary point; both count the sign bit. F = W - I may be negative or
//   exceed W. value = raw · 2^-F, raw being the W bits as a (two's complement) integer.
// Overflow is declared here and not in overflow.hpp, which needs Format.
#pragma once

#include <cstdint>

#include "quant/fixed/error.hpp"
#include "quant/fixed/real.hpp"
#include "quant/fixed/rounding.hpp"
#include "quant/fixed/wide.hpp"

namespace jsc::fixed {

// What becomes of a value outside the range (overflow.hpp).
enum class Overflow : std::uint8_t { sat, sat_zero, sat_sym, wrap, wrap_sm };
inline constexpr int kOverflows = 5;

inline constexpr int kMaxWidth = 64;       // of a format that is written down
inline constexpr int kMaxInteger = 65536;  // |I|, far beyond double's exponents; keeps sums of I within int

struct Format {
  int width = 16;
  int integer = 6;
  bool is_signed = true;
  Rounding rounding = Rounding::trn;
  Overflow overflow = Overflow::wrap;
  int saturated_bits = 0;  // N, of WRAP and WRAP_SM; without effect on the others, as in ap_fixed

  constexpr int fraction() const { return width - integer; }
  constexpr int magnitude_bits() const { return is_signed ? width - 1 : width; }  // without the sign
  // The range of the bits; SAT_SYM, which never yields min_raw(), does not change it.
  constexpr Wide min_raw() const { return is_signed ? ~Wide{0} << (width - 1) : Wide{0}; }
  constexpr Wide max_raw() const { return ~(~Wide{0} << (is_signed ? width - 1 : width)); }
  constexpr bool holds(Wide raw) const { return raw >= min_raw() && raw <= max_raw(); }
  // The same as doubles, correctly rounded beyond 53 bits.
  constexpr double min_value() const { return to_double(min_raw(), fraction()); }
  constexpr double max_value() const { return to_double(max_raw(), fraction()); }
  constexpr double resolution() const { return to_double(1, fraction()); }

  friend constexpr bool operator==(const Format&, const Format&) = default;
};

constexpr Format signed_format(int width, int integer, Rounding rounding = Rounding::trn,
                               Overflow overflow = Overflow::wrap, int saturated_bits = 0) {
  return {width, integer, true, rounding, overflow, saturated_bits};
}
constexpr Format unsigned_format(int width, int integer, Rounding rounding = Rounding::trn,
                                 Overflow overflow = Overflow::wrap, int saturated_bits = 0) {
  return {width, integer, false, rounding, overflow, saturated_bits};
}

// Whether check() accepts the format; for static_assert.
constexpr bool is_valid(const Format& f) {
  return f.width >= 1 && f.width <= kMaxWidth && f.integer >= -kMaxInteger && f.integer <= kMaxInteger &&
         f.saturated_bits >= 0 && f.saturated_bits <= f.width &&
         (f.is_signed || f.overflow != Overflow::wrap_sm);
}

// The format of an exact result may be wider (FX-14): what 128 signed bits hold.
constexpr bool is_valid_result(const Format& f) {
  return f.width >= 1 && f.width <= (f.is_signed ? kWideBits : kWideBits - 1) && f.integer >= -kMaxInteger &&
         f.integer <= kMaxInteger;
}

// Throw Error naming what is out of range, where, what was expected and found.
void check(const Format& format);
void check_result(const Format& format);

}  // namespace jsc::fixed
