// A second definition of fixed-point casts and arithmetic, from the textbook and as slow as it likes: exact
// fractions, the two neighboring integers compared, bits as a list. It shares no code with quant/fixed; the
// tests hold that against this. Only for small numbers (everything fits 64 bits with room to spare).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace oracle {

using Int = std::int64_t;

// numerator / denominator, denominator > 0.
struct Fraction {
  Int numerator;
  Int denominator;
};

inline Fraction power_of_two(int exponent) {
  Fraction x{1, 1};
  for (int i = 0; i < std::abs(exponent); ++i) (exponent > 0 ? x.numerator : x.denominator) *= 2;
  return x;
}

inline Fraction times(Fraction a, Fraction b) {
  return {a.numerator * b.numerator, a.denominator * b.denominator};
}

inline int sign_of(Int x) {
  return x < 0 ? -1 : x > 0 ? 1 : 0;
}

// Sign of a - b.
inline int compare(Fraction a, Fraction b) {
  return sign_of(a.numerator * b.denominator - b.numerator * a.denominator);
}

// Names in the order of quant/fixed's enums, written out again on purpose.
enum Mode { kRnd, kRndZero, kRndMinInf, kRndInf, kRndConv, kRndConvOdd, kTrn, kTrnZero, kCeil, kUp };
enum Excess { kSat, kSatZero, kSatSym, kWrap, kWrapSm };

struct Type {
  int width = 1;
  int fraction = 0;
  bool is_signed = true;
  Mode mode = kTrn;
  Excess excess = kWrap;
  int saturated = 0;
};

inline Int modulo(Int x, Int m) {
  return ((x % m) + m) % m;
}
inline Int two_to(int n) {
  return power_of_two(n).numerator;
}

inline Int floor_of(Fraction x) {
  return (x.numerator - modulo(x.numerator, x.denominator)) / x.denominator;
}

// The integer below x or the one above it, whichever the mode asks for.
inline Int round(Fraction x, Mode mode) {
  const Int below = floor_of(x);
  if (compare(x, {below, 1}) == 0) return below;
  const Int above = below + 1;
  const bool negative = x.numerator < 0;
  const Int toward_zero = negative ? above : below, from_zero = negative ? below : above;
  if (mode == kTrn) return below;
  if (mode == kCeil) return above;
  if (mode == kTrnZero) return toward_zero;
  if (mode == kUp) return from_zero;
  // Nearest: which side of below + 1/2?
  const int side = compare(x, {2 * below + 1, 2});
  if (side < 0) return below;
  if (side > 0) return above;
  switch (mode) {
    case kRnd:
      return above;
    case kRndMinInf:
      return below;
    case kRndZero:
      return toward_zero;
    case kRndInf:
      return from_zero;
    case kRndConv:
      return below % 2 == 0 ? below : above;
    default:
      return below % 2 == 0 ? above : below;
  }
}

inline Int smallest(const Type& t) {
  return t.is_signed ? -two_to(t.width - 1) : 0;
}
inline Int largest(const Type& t) {
  return t.is_signed ? two_to(t.width - 1) - 1 : two_to(t.width) - 1;
}

// The last `count` binary digits of x in two's complement, most significant first.
inline std::vector<bool> digits(Int x, int count) {
  std::vector<bool> list;
  for (int place = count - 1; place >= 0; --place)
    list.push_back(modulo(x, two_to(place + 1)) >= two_to(place));
  return list;
}

inline Int value_of(const std::vector<bool>& list, bool is_signed) {
  Int value = 0;
  for (bool digit : list) value = 2 * value + (digit ? 1 : 0);
  return is_signed && list[0] ? value - two_to(static_cast<int>(list.size())) : value;
}

// x is the rounded value in units of the last place, `unrounded` its floor before rounding.
inline Int into_range(Int x, Int unrounded, const Type& t) {
  const Int low = smallest(t), high = largest(t);
  if (t.excess == kSatSym && t.is_signed) {
    if (t.width == 1) return x < 0 ? -1 : 0;  // the documented exception (FX-5)
    return x < -high ? -high : x > high ? high : x;
  }
  if (x >= low && x <= high) return x;
  if (t.excess == kSat || t.excess == kSatSym) return x < low ? low : high;
  if (t.excess == kSatZero) return 0;
  std::vector<bool> list = digits(x, t.width);
  const auto n = static_cast<std::size_t>(t.saturated);
  const bool negative = x < 0;
  if (n == 0) {
    if (t.excess == kWrapSm) {
      // The sign becomes the last digit that is lost; if that turns it over, the others turn over too.
      const bool last_lost = digits(unrounded, t.width + 1)[0];
      if (list[0] != last_lost) list.flip();
    }
    return value_of(list, t.is_signed);
  }
  // N digits saturate: to the sign and its opposites, or to ones when there is no sign.
  std::vector<bool> top(n, t.is_signed ? !negative : true);
  if (t.is_signed) top[0] = negative;
  if (t.excess == kWrapSm && list[n - 1] != top[n - 1]) list.flip();
  for (std::size_t i = 0; i < n; ++i) list[i] = top[i];
  return value_of(list, t.is_signed);
}

struct Result {
  Int raw;
  bool rounded, overflowed;
};

inline Result cast(Int raw, int fraction, const Type& to) {
  const Fraction in_last_places = times({raw, 1}, power_of_two(to.fraction - fraction));
  const Int rounded = round(in_last_places, to.mode);
  const Int result = into_range(rounded, floor_of(in_last_places), to);
  return {result, compare(in_last_places, {rounded, 1}) != 0, result != rounded};
}

}  // namespace oracle
