// FixedQuantizer's loops and quantize_to_raw against their definition in quant/fixed, bit for bit.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/random.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/quantizer/integer.hpp"
#include "tests/quant/mase_vectors.hpp"
#include "tests/quant/quantizer_support.hpp"

using namespace jsc;
using namespace jsc::test;
using fixed::Format;
using fixed::Overflow;
using fixed::Rounding;

namespace {

// Numbers where a loop could go wrong for this format: ties and their neighbors, the ends of the range and of
// exact integers in float and double, subnormals, and what is no number.
std::vector<float> nasty(const Format& format) {
  std::vector<float> x{0.0F, 1e-45F, 0x1p-126F, 0x1.fffffep127F, kInf, kNan};
  const auto add = [&](double raw) {
    const auto v = static_cast<float>(std::ldexp(raw, -format.fraction()));
    for (float near : {v, std::nextafter(v, kInf), std::nextafter(v, 0.0F)}) x.push_back(near);
  };
  for (double raw : {0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5, 4.5, 5.5, 7.5, 100.5, 1001.5}) add(raw);
  for (int bits : {21, 22, 23, 24, 47, 48, 49, 50, 51, 52, 62, 63, 64})
    for (double off : {-1.5, -0.5, 0.0, 0.5, 1.5}) add(std::ldexp(1.0, bits) + off);
  for (double end : {static_cast<double>(format.max_raw()), -static_cast<double>(format.min_raw())})
    for (double off : {-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0}) add(end + off);
  std::vector<float> random(200);
  fill_normal({static_cast<std::uint64_t>(format.width), 5}, 0, random.data(), 200);
  for (std::size_t i = 0; i < random.size(); ++i)
    x.push_back(std::ldexp(random[i], static_cast<int>(i) % (format.width + 3) - format.fraction()));
  const std::size_t positive = x.size();
  for (std::size_t i = 0; i < positive; ++i) x.push_back(-x[i]);
  return x;
}

void require_as_defined(const Format& format) {
  const std::vector<float> x = nasty(format);
  const std::vector<float> y = apply(FixedQuantizer(format), TensorKind::activation, 1, x);
  REQUIRE(y.size() == x.size());
  std::vector<std::int64_t> raw(x.size());
  const auto n = static_cast<Index>(x.size());
  quantize_to_raw({x.data(), 1, n, n}, format, raw.data(), n);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float expected = quantize_fixed(x[i], format);
    const auto expected_raw = static_cast<std::int64_t>(fixed::from_double(x[i], format));
    if (same(y[i], expected) && raw[i] == expected_raw) continue;
    CAPTURE(x[i], y[i], expected, raw[i], expected_raw);
    REQUIRE(same(y[i], expected));
    REQUIRE(raw[i] == expected_raw);
  }
}

}  // namespace

TEST_CASE("the fast loops of fixed point equal the definition") {
  const int width = GENERATE(1, 2, 3, 4, 8, 12, 16, 20, 21, 22, 24, 25, 32, 47, 48, 49, 50, 63);
  for (int fraction : {-140, -110, -99, -30, -2, 0, 1, 4, 8, 15, 24, 40, 64, 99, 110, 140})
    for (bool is_signed : {true, false}) {
      CAPTURE(width, fraction, is_signed);
      require_as_defined({width, width - fraction, is_signed, Rounding::rnd_conv, Overflow::sat, 0});
    }
}

TEST_CASE("every rounding and overflow mode equals the definition") {
  const int width = GENERATE(1, 2, 5, 8, 24, 40);
  for (int fraction : {-2, 0, 4, 30})
    for (int rounding = 0; rounding < fixed::kRoundings; ++rounding)
      for (int overflow = 0; overflow < fixed::kOverflows; ++overflow)
        for (int saturated : {0, 1})
          for (bool is_signed : {true, false}) {
            const Format format{width,
                                width - fraction,
                                is_signed,
                                static_cast<Rounding>(rounding),
                                static_cast<Overflow>(overflow),
                                saturated};
            if (!fixed::is_valid(format)) continue;
            CAPTURE(width, fraction, rounding, overflow, saturated, is_signed);
            require_as_defined(format);
          }
}

TEST_CASE("the definition is MASE's formula where float32 is exact") {
  for (int width : {2, 4, 8, 16})
    for (int fraction : {-2, 0, 3, 8})
      for (bool is_signed : {true, false}) {
        const float lo = is_signed ? -std::ldexp(1.0F, width - 1) : 0.0F;
        const float hi = std::ldexp(1.0F, is_signed ? width - 1 : width) - 1.0F;
        const Format format{width, width - fraction, is_signed, Rounding::rnd_conv, Overflow::sat, 0};
        for (float x : nasty(format)) {
          const float k = std::nearbyint(std::ldexp(x, fraction));
          const float expected = std::isnan(x) ? x : std::ldexp(std::min(std::max(k, lo), hi), -fraction);
          CAPTURE(width, fraction, is_signed, x);
          REQUIRE(same(quantize_fixed(x, format), expected));
        }
      }
}

TEST_CASE("the straight-through range ends where a number saturates") {
  const FixedQuantizer quantizer({8, 4, true, Rounding::rnd_conv, Overflow::sat, 0});
  CHECK(quantizer.pass_range().lo == -8.03125F);
  CHECK(quantizer.pass_range().hi == 7.96875F);
  const FixedQuantizer wrapping({8, 4, true, Rounding::rnd_conv, Overflow::wrap, 0});
  CHECK(wrapping.pass_range().hi == kInf);
}
