// The result formats and operations, at run time and in types. test_exhaustive.cpp covers all small operands.
#include "quant/fixed/arithmetic.hpp"

#include <catch2/catch.hpp>
#include <climits>

#include "quant/fixed/fixed.hpp"

using namespace jsc::fixed;

namespace {

constexpr std::int64_t small(Wide x) {
  return static_cast<std::int64_t>(x);
}

constexpr Format s(int width, int integer) {
  return signed_format(width, integer);
}
constexpr Format u(int width, int integer) {
  return unsigned_format(width, integer);
}

}  // namespace

TEST_CASE("FX-10 to FX-13: widths of results") {
  static_assert(sum_format(s(8, 4), s(8, 4)) == s(9, 5));
  static_assert(sum_format(u(8, 4), u(8, 4)) == u(9, 5));
  static_assert(sum_format(s(8, 4), u(8, 4)) == s(10, 6));  // the unsigned operand needs a sign bit
  static_assert(sum_format(u(8, 2), s(8, 4)) == s(11, 5));
  static_assert(difference_format(u(8, 4), u(8, 4)) == s(9, 5));
  static_assert(product_format(s(8, 4), u(6, -2)) == s(14, 2));
  static_assert(product_format(u(8, 4), u(6, 1)) == u(14, 5));
  static_assert(quotient_format(s(8, 4), s(8, 4)) == s(13, 9));  // F2 = 4
  static_assert(quotient_format(u(8, 4), u(8, 10)) == u(8, 2));  // F2 = -2
  static_assert(quotient_format(s(4, 1), u(3, 3)) == s(4, 1));
  static_assert(negation_format(u(8, 4)) == s(9, 5));
  SUCCEED();
}

TEST_CASE("FX-12: quotients are truncated toward zero") {
  const Format f = s(4, 1);  // F = 3
  const Number q = divide({f, -1}, {f, 3});
  CHECK(q.value() == -0.25);
  CHECK(divide({f, 1}, {f, 3}).value() == 0.25);
  CHECK(divide({s(6, 6), -32}, {s(6, 6), -1}).value() == 32.0);  // the mathematics; public ap_fixed says -32
  CHECK(divide({u(8, 10), 5}, {u(8, 10), 2}).value() == 2.0);    // 20 / 8 at F = 0
  CHECK(divide({u(8, 8), 5}, {u(8, 10), 2}).value() == 0.5);     // 5 / 8 at F = 2
  CHECK_THROWS_WITH(divide({f, 1}, {f, 0}), "division by zero");
}

TEST_CASE("FX-13: comparison is exact for far apart formats, shifts keep the type") {
  CHECK(compare({s(8, 4), 16}, {s(8, 8), 1}) == 0);
  CHECK(compare({s(8, 4), 17}, {s(8, 8), 1}) == 1);
  CHECK(compare({s(8, 4), -17}, {s(8, 8), -1}) == -1);
  CHECK(compare({s(8, 60000), 1}, {s(8, -60000), 127}) == 1);
  CHECK(compare({s(8, -60000), -1}, {u(8, 60000), 0}) == -1);
  CHECK(compare({u(64, 64), (Wide{1} << 64) - 1}, {s(64, 64), -1}) == 1);
  CHECK(small(shift({s(8, 4), 0b0110'0001}, 1).raw) == static_cast<std::int8_t>(0b1100'0010));
  CHECK(small(shift({s(8, 4), -3}, -1).raw) == -2);
  CHECK(small(shift({s(8, 4), -3}, -100).raw) == -1);
  CHECK(small(shift({u(8, 4), 255}, 4).raw) == 0xf0);
  CHECK(small(shift({u(8, 4), 255}, 200).raw) == 0);
  CHECK(scale({s(8, 4), 5}, 3).value() == 2.5);
  static_assert(shift({s(8, 4), -3}, INT_MIN).raw == -1 && shift({s(8, 4), 3}, INT_MAX).raw == 0);
  static_assert((Fixed<8, 4>(-1.0) >> INT_MIN).raw() == 0 && (Fixed<8, 4>(-1.0) << INT_MIN).raw() == -1);
  for (int far : {INT_MIN, INT_MAX}) CHECK_THROWS_AS(scale(Number{s(8, 4), 1}, far), Error);
}

TEST_CASE("FX-14: results wider than 64 bits are exact, wider than 128 an error") {
  const Number least{s(64, 1), s(64, 1).min_raw()};
  const Number product = multiply(least, least);
  CHECK(product.format == s(128, 2));
  CHECK(product.raw == Wide{1} << 126);
  CHECK(product.value() == 1.0);
  const Number most{u(64, 64), u(64, 64).max_raw()};
  CHECK(multiply(most, least).raw == most.raw * least.raw);
  CHECK_THROWS_WITH(multiply(most, most),
                    "the result ufixed<128,128> is too wide: expected at most 127 bits, found 128");
  CHECK_THROWS_AS(add(Number{s(64, 64), 1}, Number{s(64, 0), 1}), Error);
  CHECK(add(Number{s(64, 64), 1}, Number{s(63, 1), 1}).raw == (Wide{1} << 62) + 1);
  CHECK_THROWS_AS(divide(Number{s(64, 64), 1}, Number{s(64, 0), 1}), Error);
  CHECK(divide(Number{s(64, 64), s(64, 64).min_raw()}, Number{s(63, 0), -1}).raw == Wide{1} << 126);
  CHECK_THROWS_AS(negate(product), Error);
  CHECK_THROWS_AS(scale(Number{s(8, 60000), 1}, 60000), Error);
}

TEST_CASE("FX-15: compound assignment computes exactly, then casts with the target's modes") {
  using Sat = Fixed<8, 4, Rounding::rnd_conv, Overflow::sat>;
  constexpr Sat sum = [] {
    Sat a(7.5);
    a += Fixed<12, 4>(1.0);
    return a;
  }();
  static_assert(double(sum) == 7.9375);
  constexpr Sat rounded = [] {
    Sat a(0.0);
    a += Fixed<12, 4>(1.28125);
    return a;
  }();
  static_assert(rounded.raw() == 20);
  const Number a{Sat::format, 100}, b{s(12, 4), 1000};
  CHECK(small(cast(add(a, b), a.format).raw) == 127);
}

TEST_CASE("types give the same results as run time, in constant expressions") {
  constexpr auto x = Fixed<8, 4>(1.5);
  constexpr auto y = UFixed<6, 2>(0.4375);
  static_assert((x + y).format == sum_format(x.format, y.format) && double(x + y) == 1.9375);
  static_assert(double(x - y) == 1.0625 && (y - y).format.is_signed);
  static_assert(double(x * y) == 0.65625);
  static_assert(double(-y) == -0.4375);
  static_assert((x / y).raw() == divide(x.number(), y.number()).raw);
  static_assert(x > y && y != x && Fixed<16, 8>(1.5) == x);
  static_assert((Fixed<8, 4>(7.0) << 1).raw() == -32 && (Fixed<8, 4>(-0.0625) >> 3).raw() == -1);
  constexpr Fixed<4, 4, Rounding::rnd> narrow = x;
  static_assert(double(narrow) == 2.0);
  static_assert(std::is_same_v<decltype(Fixed<64, 1>() * Fixed<64, 1>())::Storage, Wide>);
  static_assert(sizeof(x) == 8);
  CHECK_THROWS_AS((Fixed<8, 4>::from_raw(128)), Error);
  // Integers of more than a double's 53 bits.
  static_assert(Fixed<64, 64>((std::int64_t{1} << 53) + 1).raw() == (Wide{1} << 53) + 1);
  static_assert(UFixed<64, 64>(UINT64_MAX).raw() == UINT64_MAX && Fixed<8, 4>(-3).raw() == -48);
  static_assert(Fixed<8, 4, Rounding::trn, Overflow::sat>(UINT64_MAX).raw() == 127);
}
