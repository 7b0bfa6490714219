// Rounding, overflow and conversion from double, case by case with values worked out by hand; all of it in
// constant expressions too. test_exhaustive.cpp covers every format of few bits.
#include "quant/fixed/cast.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

#include "quant/fixed/format.hpp"

using namespace jsc::fixed;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<Rounding, kRoundings> kAllRoundings = {
    Rounding::rnd,          Rounding::rnd_zero, Rounding::rnd_min_inf, Rounding::rnd_inf, Rounding::rnd_conv,
    Rounding::rnd_conv_odd, Rounding::trn,      Rounding::trn_zero,    Rounding::ceil,    Rounding::up};

constexpr std::int64_t small(Wide x) {
  return static_cast<std::int64_t>(x);
}

}  // namespace

TEST_CASE("FX-3: every rounding mode at -2.5 to 2.5 in quarters") {
  // raw / 4 for raw = -10 … 10, worked out by hand.
  struct Row {
    Rounding mode;
    std::array<int, 21> expected;
  };
  constexpr Row kRows[] = {
      {Rounding::rnd, {-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3}},
      {Rounding::rnd_zero, {-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}},
      {Rounding::rnd_min_inf, {-3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}},
      {Rounding::rnd_inf, {-3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3}},
      {Rounding::rnd_conv, {-2, -2, -2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2}},
      {Rounding::rnd_conv_odd, {-3, -2, -2, -2, -1, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3}},
      {Rounding::trn, {-3, -3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2}},
      {Rounding::trn_zero, {-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2}},
      {Rounding::ceil, {-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3}},
      {Rounding::up, {-3, -3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3}},
  };
  REQUIRE(std::size(kRows) == kRoundings);
  for (const Row& row : kRows)
    for (int raw = -10; raw <= 10; ++raw) {
      INFO("mode " << int(row.mode) << ", " << raw << "/4");
      CHECK(small(round_shift(raw, 2, row.mode)) == row.expected[static_cast<std::size_t>(raw + 10)]);
    }
}

TEST_CASE("FX-3: shifts of 127 bits and more follow the mathematics") {
  constexpr Wide most = ~kWideMin;
  for (Rounding mode : kAllRoundings) {
    CHECK(round_shift(0, 1000, mode) == 0);
    const bool away = mode == Rounding::up;
    for (int shift : {129, 200, 1 << 20}) {
      CHECK(round_shift(most, shift, mode) == (away || mode == Rounding::ceil ? 1 : 0));
      CHECK(round_shift(1, shift, mode) == (away || mode == Rounding::ceil ? 1 : 0));
      CHECK(round_shift(-1, shift, mode) == (away || mode == Rounding::trn ? -1 : 0));
      CHECK(round_shift(kWideMin, shift, mode) == (away || mode == Rounding::trn ? -1 : 0));
    }
  }
  // -2^127 · 2^-128 is the tie -1/2; 2^126 · 2^-127 is 1/2.
  CHECK(round_shift(kWideMin, 128, Rounding::rnd) == 0);
  CHECK(round_shift(kWideMin, 128, Rounding::rnd_inf) == -1);
  CHECK(round_shift(kWideMin, 128, Rounding::rnd_conv) == 0);
  CHECK(round_shift(kWideMin, 128, Rounding::rnd_conv_odd) == -1);
  CHECK(round_shift(kWideMin + 1, 128, Rounding::rnd_inf) == 0);
  CHECK(round_shift(Wide{1} << 126, 127, Rounding::rnd) == 1);
  CHECK(round_shift((Wide{1} << 126) - 1, 127, Rounding::rnd) == 0);
  CHECK(round_shift(kWideMin, 127, Rounding::trn) == -1);
}

TEST_CASE("FX-2: rounding comes before overflow, also in constant expressions") {
  constexpr Format to = signed_format(8, 4, Rounding::rnd_conv, Overflow::sat);
  static_assert(cast(0b1'0100'1, 5, to) == 0b0101'00 + 0);  // 41/32 = 20.5/16: the tie goes to 20
  static_assert(from_double(1.28125, to) == 20);
  static_assert(from_double(7.96875, to) == 127);  // 127.5 rounds to 128, which saturates
  static_assert(from_double_detailed(7.96875, to).overflowed);
  static_assert(from_double_detailed(7.96875, to).rounded);
  static_assert(!from_double_detailed(7.9375, to).overflowed);
  constexpr Format wraps = signed_format(8, 4, Rounding::rnd);
  static_assert(from_double(7.96875, wraps) == -128);
  static_assert(from_double(7.96, wraps) == 127);
  SUCCEED();
}

TEST_CASE("FX-4 to FX-7: every overflow mode, worked out by hand") {
  const auto cast_to = [](int raw, Format to) { return small(cast(raw, to.fraction(), to)); };
  const auto four = [](Overflow o, int n = 0) { return signed_format(4, 4, Rounding::trn, o, n); };
  CHECK(cast_to(8, four(Overflow::sat)) == 7);
  CHECK(cast_to(-9, four(Overflow::sat)) == -8);
  CHECK(cast_to(-8, four(Overflow::sat)) == -8);
  CHECK(cast_to(8, four(Overflow::sat_zero)) == 0);
  CHECK(cast_to(-9, four(Overflow::sat_zero)) == 0);
  CHECK(cast_to(8, four(Overflow::sat_sym)) == 7);
  CHECK(cast_to(-9, four(Overflow::sat_sym)) == -7);
  CHECK(cast_to(-8, four(Overflow::sat_sym)) == -7);
  CHECK(cast_to(8, four(Overflow::wrap)) == -8);
  CHECK(cast_to(-9, four(Overflow::wrap)) == 7);
  CHECK(cast_to(0b01'0011, four(Overflow::wrap, 1)) == 3);    // 0 then the low bits 011
  CHECK(cast_to(0b01'0011, four(Overflow::wrap, 2)) == 7);    // 01 then 11
  CHECK(cast_to(0b01'0001, four(Overflow::wrap, 2)) == 5);    // 01 then 01
  CHECK(cast_to(-0b01'0001, four(Overflow::wrap, 1)) == -1);  // …101111: 1 then 111
  CHECK(cast_to(-0b01'0001, four(Overflow::wrap, 2)) == -5);  // 10 then 11
  CHECK(cast_to(8, four(Overflow::wrap_sm)) == 7);            // sign-magnitude: 8 reflects to 7, 9 to 6
  CHECK(cast_to(9, four(Overflow::wrap_sm)) == 6);
  CHECK(cast_to(15, four(Overflow::wrap_sm)) == 0);
  CHECK(cast_to(16, four(Overflow::wrap_sm)) == -1);
  CHECK(cast_to(-9, four(Overflow::wrap_sm)) == -8);
  CHECK(cast_to(-10, four(Overflow::wrap_sm)) == -7);
  const auto natural = [](Overflow o, int n = 0) { return unsigned_format(4, 4, Rounding::trn, o, n); };
  CHECK(cast_to(16, natural(Overflow::sat)) == 15);
  CHECK(cast_to(-1, natural(Overflow::sat)) == 0);
  CHECK(cast_to(-1, natural(Overflow::sat_sym)) == 0);
  CHECK(cast_to(16, natural(Overflow::sat_sym)) == 15);
  CHECK(cast_to(-1, natural(Overflow::sat_zero)) == 0);
  CHECK(cast_to(18, natural(Overflow::wrap)) == 2);
  CHECK(cast_to(-1, natural(Overflow::wrap)) == 15);
  CHECK(cast_to(18, natural(Overflow::wrap, 1)) == 10);
  CHECK(cast_to(-14, natural(Overflow::wrap, 1)) == 10);  // ap_fixed: ones from below too
}

TEST_CASE("FX-5: one signed bit with SAT_SYM keeps -1, as ap_fixed does") {
  const Format bit_format = signed_format(1, 1, Rounding::trn, Overflow::sat_sym);
  CHECK(cast(-1, 0, bit_format) == -1);
  CHECK(cast(-2, 0, bit_format) == -1);
  CHECK(cast(1, 0, bit_format) == 0);
}

TEST_CASE("a cast is right far beyond the target's bits") {
  const Format sat = signed_format(64, 64, Rounding::rnd, Overflow::sat);
  CHECK(cast(1, -1000, sat) == sat.max_raw());
  CHECK(cast(-1, -1000, sat) == sat.min_raw());
  CHECK(cast(3, -63, sat) == sat.max_raw());
  const Format wrap = signed_format(64, 64);
  CHECK(cast(3, -63, wrap) == wrap.min_raw());  // 3 · 2^63 modulo 2^64
  CHECK(cast(3, -64, wrap) == 0);
  CHECK(cast(~kWideMin, -5, wrap) == -32);  // (2^127 - 1) · 2^5
  CHECK(cast_detailed(~kWideMin, -5, wrap).overflowed);
  CHECK(cast(kWideMin, 126, signed_format(4, 4)) == -2);
  CHECK(cast(1, 1000, signed_format(8, 4, Rounding::ceil)) == 1);
  const Format natural = unsigned_format(64, 64, Rounding::rnd, Overflow::sat);
  CHECK(cast(Wide{1} << 64, 0, natural) == ~(~Wide{0} << 64));
  CHECK(cast(-1, 0, natural) == 0);
}

TEST_CASE("FX-8: doubles at the edges of their range") {
  const Format wide = signed_format(64, -1010, Rounding::rnd_conv, Overflow::sat);  // LSB 2^-1074
  REQUIRE(wide.fraction() == 1074);
  CHECK(from_double(4.9406564584124654e-324, wide) == 1);
  CHECK(from_double(-4.9406564584124654e-324, wide) == -1);
  CHECK(from_double(DBL_MIN, wide) == Wide{1} << 52);
  CHECK(from_double(DBL_MIN - 4.9406564584124654e-324, wide) == (Wide{1} << 52) - 1);
  CHECK(to_double(1, 1074) == 4.9406564584124654e-324);
  const Format huge = signed_format(64, 1025, Rounding::trn, Overflow::sat);  // LSB 2^961
  CHECK(from_double(DBL_MAX, huge) == ((Wide{1} << 53) - 1) << 10);
  CHECK(from_double(-0.0, wide) == 0);
  CHECK_FALSE(from_double_detailed(-0.0, wide).rounded);
  for (double x : {DBL_MAX, -DBL_MAX}) {
    CHECK(from_double(x, signed_format(16, 6)) == 0);
    const Format f = signed_format(16, 6, Rounding::rnd, Overflow::sat);
    CHECK(from_double(x, f) == (x < 0 ? f.min_raw() : f.max_raw()));
  }
  CHECK(from_double(4.9406564584124654e-324, signed_format(16, 6, Rounding::ceil)) == 1);
  CHECK(from_double(-4.9406564584124654e-324, signed_format(16, 6, Rounding::trn)) == -1);
}

TEST_CASE("FX-8: infinities saturate or wrap to 0, NaN is 0") {
  const auto f = [](Overflow o, int n = 0) { return signed_format(8, 4, Rounding::rnd, o, n); };
  CHECK(small(from_double(kInfinity, f(Overflow::sat))) == 127);
  CHECK(small(from_double(-kInfinity, f(Overflow::sat))) == -128);
  CHECK(small(from_double(-kInfinity, f(Overflow::sat_sym))) == -127);
  CHECK(small(from_double(kInfinity, f(Overflow::sat_zero))) == 0);
  for (Overflow o : {Overflow::wrap, Overflow::wrap_sm}) {
    CHECK(small(from_double(kInfinity, f(o))) == 0);
    CHECK(small(from_double(-kInfinity, f(o))) == 0);
  }
  CHECK(small(from_double(kInfinity, f(Overflow::wrap, 1))) == 0);
  CHECK(small(from_double(-kInfinity, f(Overflow::wrap, 1))) == -128);
  CHECK(small(from_double(kInfinity, f(Overflow::wrap, 3))) == 0b0110'0000);
  CHECK(from_double_detailed(kInfinity, f(Overflow::wrap)).overflowed);
  CHECK(small(from_double(-kInfinity, unsigned_format(8, 4, Rounding::rnd, Overflow::sat))) == 0);
  const Cast nan = from_double_detailed(kNan, f(Overflow::sat));
  CHECK(nan.raw == 0);
  CHECK(nan.overflowed);
}

TEST_CASE("FX-9: to_double rounds to nearest even and knows subnormals and infinity") {
  static_assert(to_double(-41, 5) == -1.28125);
  CHECK(to_double((Wide{1} << 53) + 1, 0) == 9007199254740992.0);
  CHECK(to_double((Wide{1} << 53) + 3, 0) == 9007199254740996.0);
  CHECK(to_double(-((Wide{1} << 53) + 1), 0) == -9007199254740992.0);
  CHECK(to_double((Wide{1} << 64) - 1, 64) == 1.0);
  CHECK(to_double(kWideMin, 127) == -1.0);
  CHECK(to_double(~kWideMin, 127) == 1.0);
  CHECK(to_double(1, 1075) == 0.0);  // a tie between 0 and the smallest subnormal
  CHECK(to_double(3, 1076) == 4.9406564584124654e-324);
  CHECK(to_double(3, 1075) == 2 * 4.9406564584124654e-324);
  CHECK(to_double((Wide{1} << 53) - 1, 1075) == DBL_MIN);  // a tie at the border of the subnormals: to even
  CHECK(to_double(1, -1024) == kInfinity);
  CHECK(to_double(-1, -2000) == -kInfinity);
  CHECK(to_double((Wide{1} << 53) - 1, -971) == DBL_MAX);
  CHECK(to_double((Wide{1} << 54) - 1, -970) == kInfinity);  // rounds up to 2^1024
  CHECK(to_double(1, 70000) == 0.0);
}

TEST_CASE("a double survives the way through a raw value, and ldexp agrees with to_double") {
  const std::uint64_t seed = 20240607;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const double x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) continue;
    const Decoded parts = decode(x);
    REQUIRE(std::bit_cast<std::uint64_t>(to_double(parts.mantissa, parts.fraction)) ==
            std::bit_cast<std::uint64_t>(x == 0 ? 0.0 : x));
    const auto raw = static_cast<std::int64_t>(random()) >> (random() % 64);
    const int fraction = static_cast<int>(random() % 2200) - 1000;
    // The compiler's int64 to double is correctly rounded, and so is ldexp while the result is normal.
    const double expected = std::ldexp(static_cast<double>(raw), -fraction);
    if (std::fabs(expected) >= DBL_MIN || raw == 0) REQUIRE(to_double(raw, fraction) == expected);
  }
}

TEST_CASE("FX-1: ranges, resolution and what a format may be") {
  constexpr Format f = signed_format(8, 4);
  static_assert(f.fraction() == 4 && f.min_raw() == -128 && f.max_raw() == 127 && f.resolution() == 0.0625);
  static_assert(f.min_value() == -8.0 && f.max_value() == 7.9375);
  constexpr Format u = unsigned_format(8, -2);
  static_assert(u.fraction() == 10 && u.min_raw() == 0 && u.max_raw() == 255);
  static_assert(signed_format(4, 9).resolution() == 32.0);
  static_assert(signed_format(64, 1).min_raw() == -(Wide{1} << 63));
  static_assert(unsigned_format(64, 1).max_raw() == (Wide{1} << 64) - 1);
  static_assert(signed_format(1, 1).max_raw() == 0 && signed_format(1, 1).min_raw() == -1);
  CHECK_NOTHROW(check(signed_format(64, -70)));
  CHECK_NOTHROW(check(signed_format(1, 90, Rounding::trn, Overflow::wrap_sm, 1)));
  CHECK_THROWS_WITH(check(signed_format(0, 0)), "fixed-point format: width: expected 1 to 64, found 0");
  CHECK_THROWS_WITH(check(signed_format(65, 0)), "fixed-point format: width: expected 1 to 64, found 65");
  CHECK_THROWS_WITH(check(signed_format(4, 0, Rounding::trn, Overflow::wrap, 5)),
                    "fixed-point format: saturated bits N: expected 0 to the width, 4, found 5");
  CHECK_THROWS_AS(check(signed_format(4, 0, Rounding::trn, Overflow::wrap, -1)), Error);
  CHECK_THROWS_AS(check(signed_format(4, 70000)), Error);
  CHECK_THROWS_WITH(check(unsigned_format(4, 0, Rounding::trn, Overflow::wrap_sm)),
                    Catch::Contains("WRAP_SM: expected a signed format"));
}
