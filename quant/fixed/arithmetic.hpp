// Exact arithmetic on numbers whose formats are known at run time, with ap_fixed's result formats
// (docs/fixed_point.md, FX-10 to FX-15). F = W - I, S = signed:
//   a + b   I = max(I1 + (S2 and not S1), I2 + (S1 and not S2)) + 1, W = I + max(F1, F2), signed if either is
//   a - b   the same, always signed
//   a · b   W = W1 + W2, I = I1 + I2, signed if either is
//   a / b   W = W1 + max(F2, 0) + S2, I = I1 + F2 + S2, signed if either is, truncated toward zero
//   -a      W + 1, I + 1, signed
// A result format that 128 bits cannot carry is an Error before anything is computed.
#pragma once

#include <algorithm>

#include "quant/fixed/cast.hpp"

namespace jsc::fixed {

struct Number {
  Format format;
  Wide raw = 0;

  constexpr double value() const { return to_double(raw, format.fraction()); }
};

constexpr Format sum_format(const Format& a, const Format& b) {
  const int integer = std::max(a.integer + (b.is_signed && !a.is_signed ? 1 : 0),
                               b.integer + (a.is_signed && !b.is_signed ? 1 : 0)) +
                      1;
  return {integer + std::max(a.fraction(), b.fraction()), integer, a.is_signed || b.is_signed};
}

constexpr Format difference_format(const Format& a, const Format& b) {
  Format format = sum_format(a, b);
  format.is_signed = true;
  return format;
}

constexpr Format product_format(const Format& a, const Format& b) {
  return {a.width + b.width, a.integer + b.integer, a.is_signed || b.is_signed};
}

constexpr Format quotient_format(const Format& a, const Format& b) {
  const int sign = b.is_signed ? 1 : 0;
  return {a.width + std::max(b.fraction(), 0) + sign, a.integer + b.fraction() + sign,
          a.is_signed || b.is_signed};
}

constexpr Format negation_format(const Format& a) {
  return {a.width + 1, a.integer + 1, true};
}

// The same on raw values; `to` is the result's format, which must be valid (is_valid_result).
constexpr Wide align(Wide raw, const Format& from, const Format& to) {
  return round_shift(raw, from.fraction() - to.fraction(), Rounding::trn);  // a shift to the left: exact
}
constexpr Wide quotient_raw(Wide a, Wide b, const Format& divisor) {
  return round_shift(a, -std::max(divisor.fraction(), 0), Rounding::trn) / b;
}
constexpr int compare_raw(Wide a, int a_fraction, Wide b, int b_fraction) {
  if (a_fraction < b_fraction) return -compare_raw(b, b_fraction, a, a_fraction);
  const Split at = a_fraction > b_fraction ? split(a, a_fraction - b_fraction) : Split{a, Tail::zero};
  if (at.floor != b) return at.floor < b ? -1 : 1;
  return at.tail == Tail::zero ? 0 : 1;
}
constexpr Wide shift_raw(Wide raw, int left, const Format& format) {
  if (left < 0) return round_shift(raw, left < -kWideBits ? kWideBits : -left, Rounding::trn);
  if (left >= kWideBits) return 0;
  return wrap_to(static_cast<Wide>(static_cast<UWide>(raw) << left), format.width, format.is_signed);
}

constexpr Number checked(const Format& format) {
  if (!is_valid_result(format)) check_result(format);
  return {format, 0};
}

constexpr Number add(const Number& a, const Number& b) {
  Number sum = checked(sum_format(a.format, b.format));
  sum.raw = align(a.raw, a.format, sum.format) + align(b.raw, b.format, sum.format);
  return sum;
}

constexpr Number subtract(const Number& a, const Number& b) {
  Number difference = checked(difference_format(a.format, b.format));
  difference.raw = align(a.raw, a.format, difference.format) - align(b.raw, b.format, difference.format);
  return difference;
}

constexpr Number multiply(const Number& a, const Number& b) {
  Number product = checked(product_format(a.format, b.format));
  product.raw = a.raw * b.raw;
  return product;
}

// Throws Error when b is 0.
constexpr Number divide(const Number& a, const Number& b) {
  Number quotient = checked(quotient_format(a.format, b.format));
  if (b.raw == 0) throw Error("division by zero");
  quotient.raw = quotient_raw(a.raw, b.raw, b.format);
  return quotient;
}

constexpr Number negate(const Number& a) {
  Number negated = checked(negation_format(a.format));
  negated.raw = -a.raw;
  return negated;
}

// -1, 0 or 1 as a is less than, equal to or greater than b; exact for every pair of formats.
constexpr int compare(const Number& a, const Number& b) {
  return compare_raw(a.raw, a.format.fraction(), b.raw, b.format.fraction());
}

// a << left (a >> -left) as ap_fixed does it: the format stays, bits that leave it are lost.
constexpr Number shift(const Number& a, int left) {
  return {a.format, shift_raw(a.raw, left, a.format)};
}

// a · 2^left exactly: the same bits, the binary point moved.
constexpr Number scale(const Number& a, int left) {
  Number scaled = a;
  scaled.format.integer += std::clamp(left, -4 * kMaxInteger, 4 * kMaxInteger);  // far beyond every format
  checked(scaled.format);
  return scaled;
}

// a in another format, as in `to x = a`; a += b is cast(add(a, b), a.format) (FX-15).
constexpr Number cast(const Number& a, const Format& to) {
  return {to, cast(a.raw, a.format.fraction(), to)};
}

constexpr Number from_double_number(double value, const Format& to) {
  return {to, from_double(value, to)};
}

}  // namespace jsc::fixed
