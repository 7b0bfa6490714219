// Fixed-point numbers whose format is part of the type: Fixed<8,4,Rounding::rnd_conv,Overflow::sat>. The same
// primitives as at run time (arithmetic.hpp), usable in constant expressions; a result that 128 bits cannot
// carry does not compile.
#pragma once

#include <climits>
#include <compare>
#include <concepts>
#include <type_traits>

#include "quant/fixed/arithmetic.hpp"

namespace jsc::fixed {

template <Format kFormat>
class Value {
  static_assert(is_valid_result(kFormat),
                "fixed point: the format is out of range or the result is too wide");

 public:
  static constexpr Format format = kFormat;
  using Storage = std::conditional_t<(format.width > 64), Wide,
                                     std::conditional_t<format.is_signed, std::int64_t, std::uint64_t>>;

  constexpr Value() = default;
  constexpr explicit Value(double value) requires(is_valid(format))
      : raw_(static_cast<Storage>(from_double(value, format))) {}
  // Not through a double, which holds 53 bits.
  constexpr explicit Value(std::integral auto value) requires(is_valid(format))
      : raw_(static_cast<Storage>(cast(static_cast<Wide>(value), 0, format))) {}
  // Casts, as assignment does in ap_fixed.
  template <Format kOther>
  requires(is_valid(format) &&
           kOther != kFormat) constexpr Value(Value<kOther> other)  // NOLINT(google-explicit-constructor)
      : raw_(static_cast<Storage>(cast(other.raw(), kOther.fraction(), format))) {}

  static constexpr Value from_raw(Wide raw) {
    if (!format.holds(raw)) throw Error("fixed point: a raw value is outside its format");
    Value value;
    value.raw_ = static_cast<Storage>(raw);
    return value;
  }

  constexpr Wide raw() const { return raw_; }
  constexpr Number number() const { return {format, raw_}; }
  constexpr explicit operator double() const { return to_double(raw_, format.fraction()); }

  template <Format kOther>
  constexpr Value& operator+=(Value<kOther> other) {
    return *this = *this + other;
  }
  template <Format kOther>
  constexpr Value& operator-=(Value<kOther> other) {
    return *this = *this - other;
  }
  template <Format kOther>
  constexpr Value& operator*=(Value<kOther> other) {
    return *this = *this * other;
  }
  template <Format kOther>
  constexpr Value& operator/=(Value<kOther> other) {
    return *this = *this / other;
  }

  constexpr Value operator<<(int left) const { return from_raw(shift_raw(raw_, left, format)); }
  constexpr Value operator>>(int right) const {
    return from_raw(shift_raw(raw_, right == INT_MIN ? INT_MAX : -right, format));
  }
  constexpr auto operator-() const { return Value<negation_format(format)>::from_raw(-Wide{raw_}); }

 private:
  Storage raw_ = 0;
};

template <Format A, Format B>
constexpr auto operator+(Value<A> a, Value<B> b) {
  return Value<sum_format(A, B)>::from_raw(add(a.number(), b.number()).raw);
}
template <Format A, Format B>
constexpr auto operator-(Value<A> a, Value<B> b) {
  return Value<difference_format(A, B)>::from_raw(subtract(a.number(), b.number()).raw);
}
template <Format A, Format B>
constexpr auto operator*(Value<A> a, Value<B> b) {
  return Value<product_format(A, B)>::from_raw(multiply(a.number(), b.number()).raw);
}
template <Format A, Format B>
constexpr auto operator/(Value<A> a, Value<B> b) {
  return Value<quotient_format(A, B)>::from_raw(divide(a.number(), b.number()).raw);
}
template <Format A, Format B>
constexpr std::strong_ordering operator<=>(Value<A> a, Value<B> b) {
  return compare(a.number(), b.number()) <=> 0;
}
template <Format A, Format B>
constexpr bool operator==(Value<A> a, Value<B> b) {
  return compare(a.number(), b.number()) == 0;
}

template <Format kFormat>
struct Declared {
  static_assert(is_valid(kFormat), "fixed point: the format is out of range");
  using Type = Value<kFormat>;
};

template <int W, int I, Rounding Q = Rounding::trn, Overflow O = Overflow::wrap, int N = 0>
using Fixed = typename Declared<Format{W, I, true, Q, O, N}>::Type;
template <int W, int I, Rounding Q = Rounding::trn, Overflow O = Overflow::wrap, int N = 0>
using UFixed = typename Declared<Format{W, I, false, Q, O, N}>::Type;

}  // namespace jsc::fixed
