// Formats and numbers as text, both ways, and what is said of text that is wrong.
#include "quant/fixed/text.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <vector>

using namespace jsc::fixed;

TEST_CASE("FX-16: formats are read in every accepted spelling") {
  const Format plain = signed_format(8, 4);
  for (const char* text : {"fixed<8,4>", "ap_fixed<8,4>", "sc_fixed<8, 4>", " fixed < 8 , 4 > ", "Q4.4",
                           "fixed<8,4,TRN,WRAP,0>", "ap_fixed<8,4,AP_TRN,AP_WRAP,0>"})
    CHECK(parse_format(text) == plain);
  CHECK(parse_format("ufixed<8,-3>") == unsigned_format(8, -3));
  CHECK(parse_format("UQ0.8") == unsigned_format(8, 0));
  CHECK(parse_format("Q1.15") == signed_format(16, 1));
  CHECK(parse_format("Q10.-2") == signed_format(8, 10));
  CHECK(parse_format("Q-2.10") == signed_format(8, -2));
  CHECK(parse_format(" UQ-2.10 ") == unsigned_format(8, -2));
  CHECK(parse_format("ap_ufixed<64,100,AP_RND_MIN_INF,AP_SAT_SYM>") ==
        unsigned_format(64, 100, Rounding::rnd_min_inf, Overflow::sat_sym));
  CHECK(parse_format("sc_fixed<5,2,SC_RND_CONV,SC_WRAP_SM,3>") ==
        signed_format(5, 2, Rounding::rnd_conv, Overflow::wrap_sm, 3));
}

TEST_CASE("FX-16: every format is read back from its text") {
  for (bool is_signed : {false, true})
    for (int r = 0; r < kRoundings; ++r)
      for (int o = 0; o < kOverflows; ++o)
        for (int n : {0, 2}) {
          const Format f{9, -3, is_signed, static_cast<Rounding>(r), static_cast<Overflow>(o), n};
          if (!is_valid(f)) continue;
          CHECK(parse_format(to_string(f)) == f);
          CHECK(parse_format(to_full_string(f)) == f);
        }
  CHECK(to_string(signed_format(8, 4)) == "fixed<8,4>");
  CHECK(to_string(signed_format(8, 4, Rounding::rnd)) == "fixed<8,4,RND>");
  CHECK(to_string(unsigned_format(8, 4, Rounding::trn, Overflow::sat)) == "ufixed<8,4,TRN,SAT>");
  CHECK(to_string(signed_format(8, 4, Rounding::trn, Overflow::wrap, 1)) == "fixed<8,4,TRN,WRAP,1>");
  CHECK(to_full_string(signed_format(8, 4)) == "fixed<8,4,TRN,WRAP,0>");
}

TEST_CASE("FX-16: an error in a format points at the character") {
  const auto says = [](const char* text, const char* message) {
    INFO(text);
    CHECK_THROWS_WITH(
        parse_format(text),
        Catch::StartsWith("format '" + std::string(text) + "', character ") && Catch::Contains(message));
  };
  says("fixd<8,4>", "character 1: expected fixed<W,I,Q,O,N>");
  says("fixed8,4>", "character 1: ");
  says("fixed(8,4)", "character 6: expected '<', found '('");
  says("fixed<0,4>", "character 7: expected a width from 1 to 64, found '0'");
  says("fixed<65,4>", "character 7: expected a width from 1 to 64, found '65'");
  says("fixed<-8,4>", "character 7: expected a width from 1 to 64, found '-8'");
  says("fixed<8>", "character 8: expected ',' and the integer bits, found '>'");
  says("fixed<8,x>", "character 9: expected integer bits from -65536 to 65536, found 'x'");
  says("fixed<8,99999999999>", "character 9: expected integer bits");
  says("fixed<8,4,RND_CNV>", "character 11: expected a rounding mode (RND, RND_ZERO");
  says("fixed<8,4, SAT>", "character 12: expected a rounding mode");
  says("fixed<8,4,RND,sat>", "character 15: expected an overflow mode (SAT, SAT_ZERO");
  says("ufixed<8,4,RND,WRAP_SM>", "character 16: expected an overflow mode of an unsigned format");
  says("fixed<8,4,RND,WRAP,9>", "character 20: expected N, the saturated bits from 0 to 8, found '9'");
  says("fixed<8,4", "character 10: expected ',' or '>', found the end");
  says("fixed<8,4> x", "character 12: expected the end, found 'x'");
  says("", "character 1: ");
  says("Q15", "character 4: expected '.' and the fraction bits (Q15 alone leaves the width open");
  says("Q4.61", "character 4: expected fraction bits that make the width 1 to 64, found '61'");
  says("Q", "character 1: ");
  says("Q-", "character 2: expected integer bits");
  says("Q-2", "character 4: expected '.' and the fraction bits");
}

TEST_CASE("FX-16 and FX-17: any text is either read or refused with the place") {
  const std::uint64_t seed = 12;
  INFO("seed " << seed);
  const char* const kParts[] = {
      "fixed",  "ufixed", "ap_fixed", "<", ">", ",", "8", "64", "65",          "-1", "0",   "RND", "AP_TRN",
      "SC_SAT", "WRAP",   "WRAP_SM",  "Q", ".", " ", "4", "e",  "99999999999", "0x", "inf", "p-3", "\x80"};
  std::mt19937_64 random(seed);
  int formats = 0, numbers = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Whole formats with one part exchanged, or parts at random.
    std::vector<std::string> parts = {"fixed", "<", "8", ",", "4", ",", "RND", ",", "WRAP", ">"};
    if (i % 2 == 0) parts.resize(random() % 8);
    for (std::string& part : parts)
      if (i % 2 == 0 || random() % 8 == 0) part = kParts[random() % std::size(kParts)];
    std::string text;
    for (const std::string& part : parts) text += part;
    try {
      const Format f = parse_format(text);
      REQUIRE(is_valid(f));
      const Format again = parse_format(to_string(f));
      REQUIRE(again == f);
      ++formats;
    } catch (const Error& error) {
      REQUIRE_THAT(error.what(), Catch::Contains("character "));
    }
    try {
      const Format f = signed_format(16, 8);
      const Cast read = parse_number(text, f);
      REQUIRE(f.holds(read.raw));
      ++numbers;
    } catch (const Error& error) {
      REQUIRE_THAT(error.what(), Catch::Contains("character "));
    }
  }
  CHECK(formats > 1000);
  CHECK(numbers > 1000);
}

TEST_CASE("FX-17: decimals and hexadecimals are printed without loss") {
  CHECK(to_decimal(-5, 4) == "-0.3125");
  CHECK(to_decimal(0, 4) == "0");
  CHECK(to_decimal(16, 4) == "1");
  CHECK(to_decimal(3, -5) == "96");
  CHECK(to_decimal(1, 64) == "0.0000000000000000000542101086242752217003726400434970855712890625");
  CHECK(to_decimal(kWideMin, 0) == "-170141183460469231731687303715884105728");
  CHECK(to_decimal(1, -128) == "340282366920938463463374607431768211456");
  CHECK(to_string((Wide{1} << 64) - 1) == "18446744073709551615");
  CHECK(to_hex(-5, 4) == "-0x5p-4");
  CHECK(to_hex(0x1f, -3) == "0x1fp+3");
  CHECK(to_hex(0, 0) == "0x0p+0");
  CHECK(bits_in_hex(-5, 8) == "0xfb");
  CHECK(bits_in_hex(-1, 5) == "0x1f");
  CHECK(bits_in_hex(-1, 64) == "0xffffffffffffffff");
  CHECK(bits_in_hex(kWideMin, 128) == "0x80000000000000000000000000000000");
  CHECK(bits_in_binary(-5, 8) == "11111011");
}

TEST_CASE("FX-17: what is printed is read back, and C reads it alike") {
  const std::uint64_t seed = 7;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const int width = 1 + static_cast<int>(random() % 64), integer = static_cast<int>(random() % 140) - 70;
    const Format f{width, integer, random() % 2 == 0, Rounding::trn, Overflow::sat};
    const Wide raw = wrap_to(static_cast<Wide>(random()), width, f.is_signed);
    for (const std::string& text : {to_decimal(raw, f.fraction()), to_hex(raw, f.fraction())}) {
      INFO(text << " in " << to_string(f));
      const Cast read = parse_number(text, f);
      REQUIRE(read.raw == raw);
      REQUIRE_FALSE((read.rounded || read.overflowed));
      REQUIRE(std::strtod(text.c_str(), nullptr) == to_double(raw, f.fraction()));
      REQUIRE(difference_from(raw, f.fraction(), text) == "0");
    }
  }
}

TEST_CASE("FX-17: a number is cast from its exact value, not from the nearest double") {
  const Format f = signed_format(64, 1, Rounding::rnd, Overflow::sat);
  // 0.1 · 2^63 = 922337203685477580.8
  CHECK(parse_number("0.1", f).raw == 922337203685477581);
  CHECK(parse_number("0.1", f).rounded);
  // Just beside a tie, nearer than a double can tell.
  const Format whole = signed_format(8, 8, Rounding::rnd_conv, Overflow::sat);
  CHECK(parse_number("2.5", whole).raw == 2);
  CHECK(parse_number("2.50000000000000000000000000000000000001", whole).raw == 3);
  CHECK(parse_number("-2.50000000000000000000000000000000000001", whole).raw == -3);
  CHECK(parse_number("-2.5", whole).raw == -2);
  CHECK(parse_number("3.49999999999999999999999999999999999999", whole).raw == 3);
  CHECK(parse_number("25e-1", whole).raw == 2);
  CHECK(parse_number("+.75E1", whole).raw == 8);
  CHECK(parse_number("1e-5000", signed_format(8, 8, Rounding::ceil)).raw == 1);
  CHECK(parse_number("-1e5000", whole).raw == -128);
  CHECK(parse_number("1e5000", signed_format(8, 8)).raw == 0);
  CHECK(parse_number("0x1.8p+1", whole).raw == 3);
  CHECK(parse_number("0X1P-1", whole).raw == 0);
  CHECK(parse_number("inf", whole).raw == 127);
  CHECK(parse_number("-inf", whole).raw == -128);
  CHECK(parse_number("nan", whole).raw == 0);
  CHECK(parse_number("259", signed_format(8, 8)).raw == 3);
}

TEST_CASE("FX-17: numbers from doubles' decimals agree with from_double") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const double x =
        std::bit_cast<double>((random() & 0x800fffffffffffff) | (1023 - 40 + random() % 80) << 52);
    const Decoded parts = decode(x);
    const Format f{1 + static_cast<int>(random() % 64),
                   static_cast<int>(random() % 100) - 40,
                   random() % 2 == 0,
                   static_cast<Rounding>(random() % kRoundings),
                   static_cast<Overflow>(random() % 4),
                   0};
    const Cast read = parse_number(to_decimal(parts.mantissa, parts.fraction), f);
    const Cast direct = from_double_detailed(x, f);
    INFO(to_decimal(parts.mantissa, parts.fraction) << " in " << to_string(f));
    REQUIRE(read.raw == direct.raw);
    REQUIRE(read.rounded == direct.rounded);
    REQUIRE(read.overflowed == direct.overflowed);
  }
}

TEST_CASE("FX-17: differences are exact") {
  CHECK(difference_from(20, 4, "1.28125") == "-0.03125");
  CHECK(difference_from(-20, 4, "1.28125") == "-2.53125");
  CHECK(difference_from(1, 1, "0.1") == "0.4");
  CHECK(difference_from(0, 4, "-3e-3") == "0.003");
  CHECK(difference_from(3, -2, "1e1") == "2");
  CHECK(difference_from(1, 1, "0x1p-3") == "0.375");
  CHECK(difference_from(-3, 0, "-3.0") == "0");
}

TEST_CASE("FX-17: an error in a number points at the character") {
  const Format f = signed_format(8, 4);
  CHECK_THROWS_WITH(parse_number("", f), "number '', character 1: expected a digit, found the end");
  CHECK_THROWS_WITH(parse_number("1.2.3", f),
                    "number '1.2.3', character 4: expected the end or another digit, found '.'");
  CHECK_THROWS_WITH(parse_number("-x", f), "number '-x', character 2: expected a digit, found 'x'");
  CHECK_THROWS_WITH(parse_number("1e", f), Catch::Contains("character 3: expected an exponent"));
  CHECK_THROWS_WITH(parse_number("1e999999", f), Catch::Contains("character 3: expected an exponent"));
  CHECK_THROWS_WITH(difference_from(1, 1, "inf"), Catch::Contains("expected a finite one"));
  CHECK_THROWS_AS(parse_number("1e+-5", f), Error);
  CHECK_THROWS_AS(parse_number(std::string(200'000, '1'), f), Error);
  CHECK_THROWS_AS(parse_number("1", signed_format(65, 4)), Error);
}
