// Every cast between formats of at most 6 bits and every operation on operands of at most 5 bits, against the
// plain definition in oracle.hpp; and the proof that this would notice any rule in the place of another.
#include <algorithm>
#include <catch2/catch.hpp>

#include "quant/fixed/arithmetic.hpp"
#include "quant/fixed/text.hpp"
#include "tests/fixed/oracle.hpp"

using namespace jsc::fixed;

namespace {

constexpr int kCastBits = 6, kOperandBits = 5;

oracle::Type plain(const Format& f) {
  return {f.width,
          f.fraction(),
          f.is_signed,
          static_cast<oracle::Mode>(static_cast<int>(f.rounding)),
          static_cast<oracle::Excess>(static_cast<int>(f.overflow)),
          f.saturated_bits};
}

// Calls visit(source, target) for every pair of formats; the target's binary point stands at 0 and the
// source's anywhere from where all its bits are lost to where they are far above the target.
template <class Visit>
void each_pair(Visit visit, int first_rounding = 0, int last_rounding = kRoundings - 1,
               int first_overflow = 0, int last_overflow = kOverflows - 1) {
  for (int width = 1; width <= kCastBits; ++width)
    for (bool is_signed : {false, true})
      for (int r = first_rounding; r <= last_rounding; ++r)
        for (int o = first_overflow; o <= last_overflow; ++o)
          for (int n = 0; n <= 3; ++n) {
            const Format to{width, width, is_signed, static_cast<Rounding>(r), static_cast<Overflow>(o), n};
            if (!is_valid(to)) continue;
            for (int source_width = 1; source_width <= kCastBits; ++source_width)
              for (bool source_signed : {false, true})
                for (int fraction = -8; fraction <= 8; ++fraction)
                  visit(Format{source_width, source_width - fraction, source_signed}, to);
          }
}

// The number of raw values of `source` that `subject` casts otherwise than the definition.
template <class Subject>
int mismatches(const Format& source, const Format& to, Subject subject) {
  int count = 0;
  for (Wide raw = source.min_raw(); raw <= source.max_raw(); ++raw) {
    const auto expected = oracle::cast(static_cast<std::int64_t>(raw), source.fraction(), plain(to));
    const Cast found = subject(raw, source.fraction(), to);
    count += expected.raw != found.raw || expected.rounded != found.rounded ||
             expected.overflowed != found.overflowed;
  }
  return count;
}

// Whether a cast that takes `to` for something else is noticed for any pair of formats with these modes.
template <class Perturb>
bool noticed(int rounding, int overflow, Perturb perturb) {
  long found = 0;
  each_pair(
      [&](const Format& source, const Format& to) {
        if (found == 0)
          found += mismatches(source, to, [&](Wide raw, int fraction, Format changed) {
            perturb(changed);
            return cast_detailed(raw, fraction, changed);
          });
      },
      rounding, rounding, overflow, overflow);
  return found > 0;
}

oracle::Fraction real(Wide raw, const Format& f) {
  return oracle::times({static_cast<std::int64_t>(raw), 1}, oracle::power_of_two(-f.fraction()));
}

// Calls visit(a, b) for every pair of operands, with binary points on both sides of their bits.
template <class Visit>
void each_operands(Visit visit) {
  std::vector<Number> numbers;
  for (int width = 1; width <= kOperandBits; ++width)
    for (bool is_signed : {false, true})
      for (int fraction = -2; fraction <= 7; ++fraction) {
        const Format f{width, width - fraction, is_signed};
        for (Wide raw = f.min_raw(); raw <= f.max_raw(); ++raw) numbers.push_back({f, raw});
      }
  for (const Number& a : numbers)
    for (const Number& b : numbers) visit(a, b);
}

// A result is exact, has the format of the law, and stays inside it.
bool is(const Number& result, oracle::Fraction expected, int width, int integer, bool is_signed) {
  const Format& f = result.format;
  return oracle::compare(real(result.raw, f), expected) == 0 && f.width == width && f.integer == integer &&
         f.is_signed == is_signed && f.holds(result.raw);
}

}  // namespace

TEST_CASE("FX-2 to FX-7: every cast between formats of at most 6 bits is the definition's") {
  long pairs = 0, wrong = 0;
  std::string first;
  each_pair([&](const Format& source, const Format& to) {
    const int count =
        mismatches(source, to, [](Wide raw, int f, const Format& t) { return cast_detailed(raw, f, t); });
    if (count > 0 && first.empty()) first = to_string(source) + " to " + to_full_string(to);
    wrong += count;
    ++pairs;
  });
  INFO("first mismatch: " << first);
  CHECK(wrong == 0);
  // 6 widths · (signed 5 + unsigned 4 overflow modes) · 10 roundings · N that fit · 204 sources
  CHECK(pairs == (2 + 3 + 4 * 4) * 9 * 10 * 204);
}

TEST_CASE("casts by cast(), cast(Number) and from_double agree with cast_detailed") {
  long wrong = 0;
  each_pair([&](const Format& source, const Format& to) {
    for (Wide raw = source.min_raw(); raw <= source.max_raw(); ++raw) {
      const Cast expected = cast_detailed(raw, source.fraction(), to);
      wrong += cast(raw, source.fraction(), to) != expected.raw;
      wrong += cast(Number{source, raw}, to).raw != expected.raw;
      const Cast real = from_double_detailed(to_double(raw, source.fraction()), to);
      wrong += real.raw != expected.raw || real.rounded != expected.rounded ||
               real.overflowed != expected.overflowed;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("the exhaustive check notices every rounding mode in the place of every other") {
  for (int right = 0; right < kRoundings; ++right)
    for (int wrong = 0; wrong < kRoundings; ++wrong) {
      if (right == wrong) continue;
      INFO(name(static_cast<Rounding>(wrong)) << " instead of " << name(static_cast<Rounding>(right)));
      CHECK(noticed(right, static_cast<int>(Overflow::wrap),
                    [=](Format& f) { f.rounding = static_cast<Rounding>(wrong); }));
    }
}

TEST_CASE("the exhaustive check notices every overflow mode in the place of every other") {
  for (int right = 0; right < kOverflows; ++right) {
    for (int wrong = 0; wrong < kOverflows; ++wrong) {
      if (right == wrong) continue;
      INFO(name(static_cast<Overflow>(wrong)) << " instead of " << name(static_cast<Overflow>(right)));
      CHECK(noticed(static_cast<int>(Rounding::rnd), right,
                    [=](Format& f) { f.overflow = static_cast<Overflow>(wrong); }));
    }
    const auto right_mode = static_cast<Overflow>(right);
    if (right_mode == Overflow::wrap || right_mode == Overflow::wrap_sm)
      for (int n = 0; n <= 3; ++n) {
        INFO(name(right_mode) << " with N taken for " << n);
        CHECK(noticed(static_cast<int>(Rounding::rnd), right,
                      [=](Format& f) { f.saturated_bits = std::min(n, f.width); }));
      }
  }
}

TEST_CASE("FX-10 to FX-13: every operation on operands of at most 5 bits is exact and has the law's format") {
  long wrong_sum = 0, wrong_difference = 0, wrong_product = 0, wrong_quotient = 0, wrong_comparison = 0;
  each_operands([&](const Number& a, const Number& b) {
    const Format &p = a.format, &q = b.format;
    const int i1 = p.integer, i2 = q.integer, f1 = p.fraction(), f2 = q.fraction();
    const bool either = p.is_signed || q.is_signed;
    const oracle::Fraction x = real(a.raw, p), y = real(b.raw, q);
    const oracle::Int common = x.denominator * y.denominator;

    int integer = 1;  // one more than the larger, counting the sign bit that an unsigned one would gain
    integer += std::max(q.is_signed && !p.is_signed ? i1 + 1 : i1, p.is_signed && !q.is_signed ? i2 + 1 : i2);
    const int width = integer + std::max(f1, f2);
    const oracle::Int xn = x.numerator * y.denominator, yn = y.numerator * x.denominator;
    wrong_sum += !is(add(a, b), {xn + yn, common}, width, integer, either);
    wrong_difference += !is(subtract(a, b), {xn - yn, common}, width, integer, true);
    wrong_product +=
        !is(multiply(a, b), {x.numerator * y.numerator, common}, p.width + q.width, i1 + i2, either);
    wrong_comparison += compare(a, b) != oracle::compare(x, y);

    if (b.raw == 0) return;
    const int sign = q.is_signed ? 1 : 0;
    const Number quotient = divide(a, b);
    // |quotient| <= |x / y| < |quotient| + one LSB, and the signs agree: truncation toward zero.
    const oracle::Fraction lsb = oracle::power_of_two(-quotient.format.fraction());
    const oracle::Fraction magnitude{std::abs(x.numerator * y.denominator),
                                     std::abs(x.denominator * y.numerator)};
    const oracle::Int raw = std::abs(static_cast<oracle::Int>(quotient.raw));
    const bool truncated = oracle::compare(oracle::times({raw, 1}, lsb), magnitude) <= 0 &&
                           oracle::compare(magnitude, oracle::times({raw + 1, 1}, lsb)) < 0;
    const int expected_sign = oracle::sign_of(x.numerator) * oracle::sign_of(y.numerator);
    const bool sign_agrees =
        raw == 0 || oracle::sign_of(static_cast<oracle::Int>(quotient.raw)) == expected_sign;
    wrong_quotient += !truncated || !sign_agrees || !quotient.format.holds(quotient.raw) ||
                      quotient.format.width != p.width + std::max(f2, 0) + sign ||
                      quotient.format.integer != i1 + f2 + sign || quotient.format.is_signed != either;
  });
  CHECK(wrong_sum == 0);
  CHECK(wrong_difference == 0);
  CHECK(wrong_product == 0);
  CHECK(wrong_quotient == 0);
  CHECK(wrong_comparison == 0);
}

TEST_CASE("FX-13: every negation and shift of at most 5 bits is the definition's") {
  long wrong = 0;
  each_operands([&](const Number& a, const Number& b) {
    if (!(b.format == a.format && b.raw == a.raw)) return;  // each operand once
    const oracle::Fraction x = real(a.raw, a.format);
    wrong += !is(negate(a), {-x.numerator, x.denominator}, a.format.width + 1, a.format.integer + 1, true);
    for (int left = -7; left <= 7; ++left) {
      const oracle::Fraction moved =
          oracle::times({static_cast<oracle::Int>(a.raw), 1}, oracle::power_of_two(left));
      oracle::Type kept = plain(a.format);
      kept.mode = oracle::kTrn;
      kept.excess = oracle::kWrap;
      const oracle::Int floor = oracle::round(moved, oracle::kTrn);
      wrong += shift(a, left).raw != oracle::into_range(floor, floor, kept);
    }
  });
  CHECK(wrong == 0);
}
