// The number formats: MASE's values where compat = "mase" asks for them, and otherwise the nearest of all
// numbers that the format's codes stand for.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "engine/random.hpp"
#include "tests/quant/mase_vectors.hpp"
#include "tests/quant/quantizer_support.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

using Codes = std::vector<double>;  // magnitudes, sorted

Codes ieee_codes(int width, int exponent_width, int bias) {
  const int m = width - exponent_width - 1;
  std::set<double> codes;
  for (int code = 0; code < 1 << (width - 1); ++code) {
    const int field = code >> m, k = code & ((1 << m) - 1);
    const double fraction = static_cast<double>(k) / (1 << m);
    codes.insert(field == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1.0 + fraction, field - bias));
  }
  return {codes.begin(), codes.end()};
}

Codes denorm_codes(int width, int exponent_width, int bias) {
  const int m = width - exponent_width - 1;
  std::set<double> codes;
  for (int field = 0; field < 1 << exponent_width; ++field)
    for (int k = 0; k < 1 << m; ++k) codes.insert(std::ldexp(k, field - bias - m));
  return {codes.begin(), codes.end()};
}

Codes log_codes(int width, int bias) {
  Codes codes{0.0};
  for (int field = 1; field < 1 << (width - 1); ++field) codes.push_back(std::ldexp(1.0, field - bias));
  return codes;
}

Codes fixed_codes(int mantissa_bits, int exponent) {
  Codes codes;
  for (int k = 0; k < 1 << mantissa_bits; ++k) codes.push_back(std::ldexp(k, exponent - mantissa_bits));
  return codes;
}

enum class Nearness { linear, logarithmic };

// The code next to x; of two at the same distance the one that is an even multiple of their difference.
float nearest_code(const Codes& codes, float x, Nearness nearness) {
  if (std::isnan(x)) return x;
  const double v = std::fabs(static_cast<double>(x));
  double result = codes.back();
  if (v < codes.back()) {
    const auto above = std::ranges::upper_bound(codes, v);
    const double lo = *(above - 1), hi = *above;
    if (nearness == Nearness::linear) {
      const bool even = std::fmod(lo / (hi - lo), 2.0) == 0.0;
      result = v - lo < hi - v || (v - lo == hi - v && even) ? lo : hi;
    } else {
      // Zero stands at half the least power, in the place of the power that it replaces.
      result = v * v < (lo == 0.0 ? hi / 2 : lo) * hi ? lo : hi;
    }
  }
  return std::copysign(static_cast<float>(result), x);
}

// Numbers on, between and just beside the codes and the middles between them, and beyond.
std::vector<float> probes(const Codes& codes) {
  std::vector<float> x{kInf, kNan, 1e-45F, 3e38F, 1e-9F, 5e-9F, 1e-8F};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const double lo = codes[i], step = i + 1 < codes.size() ? codes[i + 1] - lo : lo - codes[i - 1];
    for (int part = 0; part < 16; ++part) {
      const auto v = static_cast<float>(lo + step * part / 16);
      for (float near : {v, std::nextafter(v, kInf), std::nextafter(v, -kInf)}) x.push_back(near);
    }
    x.push_back(static_cast<float>(std::sqrt(lo * (lo + step))));
    x.push_back(std::nextafter(x.back(), kInf));
  }
  const std::size_t positive = x.size();
  for (std::size_t i = 0; i < positive; ++i) x.push_back(-x[i]);
  return x;
}

void require_nearest(const Quantizer& quantizer, const Codes& codes, Nearness nearness = Nearness::linear) {
  for (float x : probes(codes)) {
    const float expected = nearest_code(codes, x, nearness), found = apply(quantizer, x);
    if (same(found, expected)) continue;
    CAPTURE(x, expected, found);
    REQUIRE(same(found, expected));
  }
  CHECK(quantizer.pass_range().hi == static_cast<float>(codes.back()));
  CHECK(quantizer.pass_range().lo == -static_cast<float>(codes.back()));
}

const MetaValue kBlockFp = {{"width", 8}, {"exponent_width", 8}, {"exponent_bias", 127}};

MetaValue with(MetaValue options, const MetaValue& more) {
  options.update(more);
  return options;
}

const std::vector<float> kTensor = {0.3F, -0.7F, 0.05F, 1.0F, 0.0F, 0.2F, -0.2F, 0.6F};  // 2 x 4

}  // namespace

TEST_CASE("compat = mase gives MASE's values, bit for bit") {
  const MetaValue null, mase = {{"compat", "mase"}};
  const MetaValue minifloat = {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", 7}, {"compat", "mase"}};
  const auto fixed = [](int width, const MetaValue& fraction, bool is_signed = true) {
    return make_quantizer("integer", {{"width", width}, {"frac_width", fraction}}, "weight", is_signed);
  };
  const struct {
    const char* name;
    QuantizerPointer quantizer;
    float MaseVector::*column;
  } cases[] = {
      {"int(8,4)", fixed(8, 4), &MaseVector::int_8_4},
      {"uint(8,4)", fixed(8, 4, false), &MaseVector::uint_8_4},
      {"int(8,8)", fixed(8, 8), &MaseVector::int_8_8},
      {"int(16,8)", fixed(16, 8), &MaseVector::int_16_8},
      {"int(4,null)", fixed(4, null), &MaseVector::int_4},
      {"minifloat_ieee", make_quantizer("minifloat_ieee", minifloat), &MaseVector::ieee_8_4_7},
      {"minifloat_denorm", make_quantizer("minifloat_denorm", minifloat), &MaseVector::denorm_8_4_7},
      {"log(8,null)", make_quantizer("log", {{"width", 8}, {"exponent_bias", null}, {"compat", "mase"}}),
       &MaseVector::log_8},
      {"log(4,null)", make_quantizer("log", {{"width", 4}, {"exponent_bias", "none"}, {"compat", "mase"}}),
       &MaseVector::log_4},
  };
  for (const auto& c : cases)
    for (const MaseVector& vector : kMaseVectors) {
      CAPTURE(c.name, vector.x, vector.*c.column, apply(*c.quantizer, vector.x));
      CHECK(same(apply(*c.quantizer, vector.x), vector.*c.column));
    }
}

TEST_CASE("compat = mase gives MASE's values for blocks") {
  const MetaValue four = {{"width", 4}, {"exponent_width", 8}, {"exponent_bias", nullptr}};
  const MetaValue minifloat = {{"width", 8}, {"exponent_width", 4}, {"exponent_bias_width", 4}};
  const auto log = [](int width) { return MetaValue{{"width", width}, {"exponent_bias_width", 4}}; };
  std::vector<float> larger = kTensor;
  for (float& v : larger) v *= 16;
  const std::vector<float> one_block = {0.296875F, -0.703125F, 0.046875F,  0.9921875F,
                                        0.0F,      0.203125F,  -0.203125F, 0.6015625F};
  const struct {
    const char* format;
    MetaValue options;
    std::vector<int> block;
    std::vector<float> x, y;
  } cases[] = {
      {"block_fp",
       kBlockFp,
       {1, 2},
       kTensor,
       {0.296875F, -0.703125F, 0.046875F, 0.9921875F, 0.0F, 0.19921875F, -0.203125F, 0.6015625F}},
      {"block_fp", kBlockFp, {2}, kTensor, one_block},
      {"block_fp", kBlockFp, {16}, kTensor, one_block},
      {"block_fp", four, {1, 2}, kTensor, {0.25F, -0.75F, 0.0F, 0.875F, 0.0F, 0.1875F, -0.25F, 0.625F}},
      {"block_minifloat", minifloat, {1, 2}, kTensor, {0.25F, -0.75F, 0.0F, 1.0F, 0.0F, 0.25F, -0.25F, 0.5F}},
      {"block_minifloat",
       minifloat,
       {1, 2},
       larger,
       {5.0F, -11.0F, 0.8125F, 16.0F, 0.0F, 3.25F, -3.25F, 10.0F}},
      {"block_log",
       log(8),
       {1, 2},
       kTensor,
       {0.25F, -0.5F, 0.0625F, 1.0F, 3.05175781e-05F, 0.25F, -0.25F, 0.5F}},
      {"block_log",
       log(4),
       {1, 2},
       kTensor,
       {0.25F, -0.5F, 0.0625F, 1.0F, 0.001953125F, 0.25F, -0.25F, 0.5F}},
  };
  for (const auto& c : cases) {
    const QuantizerPointer quantizer =
        make_quantizer(c.format, with(c.options, {{"block_size", c.block}, {"compat", "mase"}}));
    const std::vector<float> y = apply(*quantizer, TensorKind::weight, 2, c.x);
    CAPTURE(c.format, c.options.dump(), c.block, y);
    CHECK(same(y, c.y));
  }
  const QuantizerPointer bias =
      make_quantizer("block_fp", with(kBlockFp, {{"block_size", 3}, {"compat", "mase"}}), "bias");
  CHECK(same(apply(*bias, TensorKind::bias, 1, {0.1F, -0.9F, 0.4F, 0.0F, 2.0F}),
             {0.1015625F, -0.8984375F, 0.3984375F, 0.0F, 1.984375F}));
}

TEST_CASE("compat = mase adds 1e-9 before it takes the exponent") {
  const MetaValue options = {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", 28}, {"compat", "mase"}};
  CHECK(apply(*make_quantizer("minifloat_ieee", options), 1.45e-8F) == 0x1p-26F);
  CHECK(apply(*make_quantizer("minifloat_ieee", options), 1.37e-8F) == 0x1.ep-27F);
}

TEST_CASE("compat = mase shifts log's numbers by a tenth of the least") {
  const QuantizerPointer log =
      make_quantizer("log", {{"width", 4}, {"exponent_bias", 0}, {"compat", "mase"}});
  CHECK(apply(*log, -0.105F) == -1.0F);
  CHECK(apply(*log, -0.1F) == 0.0F);
  CHECK(apply(*log, -0.095F) == 1.0F);
}

TEST_CASE("compat = mase takes a block of zeros for one of ones where there is no other") {
  const QuantizerPointer log = make_quantizer(
      "block_log", {{"width", 4}, {"exponent_bias_width", 4}, {"block_size", {1}}, {"compat", "mase"}});
  CHECK(same(apply(*log, TensorKind::bias, 1, {0, 0}), {0x1p-7F, 0x1p-7F}));
  CHECK(same(apply(*log, TensorKind::bias, 1, {0, 4, 32}), {0x1p-5F, 4, 32}));
}

TEST_CASE("compat = mase rounds the bias of block_minifloat down") {
  const QuantizerPointer blocks = make_quantizer("block_minifloat", {{"width", 6},
                                                                     {"exponent_width", 3},
                                                                     {"exponent_bias_width", 4},
                                                                     {"block_size", 2},
                                                                     {"compat", "mase"}});
  CHECK(same(apply(*blocks, TensorKind::bias, 1, {3, 0.6F}), {3, 0.5F}));
}

TEST_CASE("compat = mase takes float32's logarithm, which rounds up just below a power of two") {
  const float below = std::nextafter(std::nextafter(256.0F, 0.0F), 0.0F);
  const MetaValue options = {{"width", 16}, {"exponent_width", 5}, {"exponent_bias", 15}};
  CHECK(apply(*make_quantizer("minifloat_ieee", with(options, {{"compat", "mase"}})), below) == 256.0F);
  const QuantizerPointer right = make_quantizer("log", {{"width", 8}, {"exponent_bias", 63}});
  CHECK(apply(*right, 0x1.6a09e4p+0F) == 1.0F);  // below sqrt(2)
  CHECK(apply(*right, 0x1.6a09e8p+0F) == 2.0F);
}

TEST_CASE("minifloats are the nearest of all their numbers") {
  const int width = GENERATE(3, 4, 5, 6, 8, 10), exponent_width = GENERATE(1, 2, 3, 4, 5);
  if (width < exponent_width + 1) return;
  for (int bias : {-3, 0, (1 << (exponent_width - 1)) - 1, 15, 30}) {
    CAPTURE(width, exponent_width, bias);
    const MetaValue options = {{"width", width}, {"exponent_width", exponent_width}, {"exponent_bias", bias}};
    require_nearest(*make_quantizer("minifloat_ieee", options), ieee_codes(width, exponent_width, bias));
    if (width > exponent_width + 1)
      require_nearest(*make_quantizer("minifloat_denorm", options),
                      denorm_codes(width, exponent_width, bias));
  }
}

TEST_CASE("minifloats carry, and end where float32 does") {
  const QuantizerPointer ieee =
      make_quantizer("minifloat_ieee", {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", nullptr}});
  CHECK(ieee->precision() == MetaValue::array({8, 4, 7}));
  CHECK(apply(*ieee, 1.96F) == 2.0F);
  CHECK(apply(*ieee, kInf) == 480.0F);
  CHECK(apply(*ieee, 1e-9F) == 0.0F);
  const QuantizerPointer denorm =
      make_quantizer("minifloat_denorm", {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", 7}});
  CHECK(apply(*denorm, 1.0F) == 1.0F);
  CHECK(apply(*denorm, -kInf) == -224.0F);
  const QuantizerPointer wide =
      make_quantizer("minifloat_ieee", {{"width", 16}, {"exponent_width", 8}, {"exponent_bias", 127}});
  CHECK(apply(*wide, kInf) == std::ldexp(255.0F, 120));
  CHECK(same(apply(*wide, -1e-45F), -0.0F));
}

TEST_CASE("powers of two are the nearest in the logarithm, and there is a zero") {
  const int width = GENERATE(2, 3, 4, 5, 6), bias = GENERATE(-2, 0, 3, 20);
  CAPTURE(width, bias);
  require_nearest(*make_quantizer("log", {{"width", width}, {"exponent_bias", bias}}), log_codes(width, bias),
                  Nearness::logarithmic);
}

TEST_CASE("log keeps zero and ends where float32 does") {
  const QuantizerPointer log = make_quantizer("log", {{"width", 9}, {"exponent_bias", nullptr}});
  CHECK(same(apply(*log, 0.0F), 0.0F));
  CHECK(same(apply(*log, -0.0F), -0.0F));
  CHECK(apply(*log, kInf) == 0x1p127F);
  CHECK(apply(*log, 1e-45F) == 0.0F);
  CHECK(apply(*log, 0.75F) == 1.0F);
}

namespace {

float largest_of(const std::vector<float>& block) {
  float largest = 0.0F;
  for (float v : block) largest = std::max(largest, std::fabs(v));
  return largest;
}

std::vector<float> random_block(std::uint64_t number, Index n) {
  std::vector<float> block(static_cast<std::size_t>(n));
  fill_normal({11, number}, 0, block.data(), n);
  const int scale = static_cast<int>(number % 23) - 11;
  for (float& v : block) v = std::ldexp(number % 3 == 0 ? std::nearbyint(4 * v) / 4 : v, scale);
  return block;
}

}  // namespace

TEST_CASE("numbers of a block are the nearest that the shared exponent allows") {
  for (std::uint64_t number = 0; number < 3000; ++number) {
    const std::vector<float> x = random_block(number, 5);
    const float largest = largest_of(x);
    if (largest == 0.0F) continue;
    CAPTURE(number, x);
    const auto require = [&](const char* format, const MetaValue& options, const Codes& codes,
                             Nearness nearness) {
      CAPTURE(format);
      const QuantizerPointer quantizer = make_quantizer(format, with(options, {{"block_size", {-1}}}));
      const std::vector<float> y = apply(*quantizer, TensorKind::bias, 1, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        CAPTURE(i, y[i]);
        REQUIRE(same(y[i], nearest_code(codes, x[i], nearness)));
      }
    };
    // Exponents -7 .. 8; the least one above the largest number.
    int e = -7;
    while (std::ldexp(1.0F, e) <= largest && e < 8) ++e;
    require("block_fp", {{"width", 6}, {"exponent_width", 4}, {"exponent_bias", 7}}, fixed_codes(5, e),
            Nearness::linear);
    // The largest bias of 0 .. 15 with which the largest number is below twice the highest power.
    int bias = 15;
    while (std::ldexp(1.0F, 7 - bias + 1) <= largest && bias > 0) --bias;
    require("block_minifloat", {{"width", 6}, {"exponent_width", 3}, {"exponent_bias_width", 4}},
            ieee_codes(6, 3, bias), Nearness::linear);
    // The largest bias of 0 .. 31 with which it is at most the highest power.
    bias = 31;
    while (std::ldexp(1.0F, 3 - bias) < largest && bias > 0) --bias;
    require("block_log", {{"width", 3}, {"exponent_bias_width", 5}}, log_codes(3, bias),
            Nearness::logarithmic);
  }
}

TEST_CASE("block_fp holds powers of two, and infinities and NaN harm nobody else more than they must") {
  const QuantizerPointer blocks = make_quantizer("block_fp", with(kBlockFp, {{"block_size", {1, 2}}}));
  CHECK(same(apply(*blocks, TensorKind::weight, 2, {1.0F, -0.5F, 0.0F, -0.0F, kNan, 0.25F, kInf, 0.0F}),
             {1.0F, -0.5F, 0.0F, -0.0F, kNan, 0.25F, std::ldexp(127.0F, 121), 0.0F}));
  const QuantizerPointer mase =
      make_quantizer("block_fp", with(kBlockFp, {{"block_size", {1, 2}}, {"compat", "mase"}}));
  CHECK(same(apply(*mase, TensorKind::weight, 1, {kNan, 0.25F, 1.0F, 0.0F}), {kNan, kNan, 0.9921875F, 0.0F}));
}

TEST_CASE("blocks lie within a weight's rectangle, a bias's run and one sample of an activation") {
  // What belongs together shows in the step of the small number beside the large one.
  const QuantizerPointer weights = make_quantizer(
      "block_fp", {{"width", 4}, {"exponent_width", 8}, {"exponent_bias", 127}, {"block_size", {2, 2}}});
  // 3 x 3 in tiles of 2 x 2, 2 x 1, 1 x 2 and 1 x 1
  CHECK(same(apply(*weights, TensorKind::weight, 3,
                   {7, 0.4F, 0.4F,  //
                    0.4F, 0.4F, 3,  //
                    0.4F, 1, 0.4F}),
             {7, 0, 0.5F,  //
              0, 0, 3,     //
              0.5F, 1, 0.375F}));
  const MetaValue pairs = {
      {"width", 4}, {"exponent_width", 8}, {"exponent_bias", 127}, {"block_size", {1, 2}}};
  const QuantizerPointer quantizer = make_quantizer("block_fp", pairs);
  const std::vector<float> columns = {7,    0.4F, 0,      //
                                      0.4F, 0.4F, 0,      //
                                      0.4F, 1,    0.4F};  // three features of three samples
  CHECK(same(apply(*quantizer, TensorKind::activation, 3, columns), {7, 0.375F, 0,  //
                                                                     0, 0.375F, 0,  //
                                                                     0.375F, 1, 0.375F}));
  CHECK(same(apply(*quantizer, TensorKind::bias, 1, {7, 0.4F, 0.4F, 1, 0.4F}), {7, 0, 0.5F, 1, 0.375F}));
}

TEST_CASE("a sample's numbers do not depend on its batch, unlike MASE's") {
  const MetaValue options = {{"width", 4}, {"exponent_bias_width", 4}, {"block_size", {-1}}};
  const std::vector<float> with_zeros = {0, 3, 0, 5}, alone = {0, 0};  // two features of two samples, one
  const auto first_of = [](const std::vector<float>& y) { return std::vector<float>{y[0], y[2]}; };
  const QuantizerPointer right = make_quantizer("block_log", options);
  CHECK(same(first_of(apply(*right, TensorKind::activation, 2, with_zeros)),
             apply(*right, TensorKind::activation, 2, alone)));
  const QuantizerPointer mase = make_quantizer("block_log", with(options, {{"compat", "mase"}}));
  CHECK_FALSE(same(first_of(apply(*mase, TensorKind::activation, 2, with_zeros)),
                   apply(*mase, TensorKind::activation, 2, alone)));
}

TEST_CASE("binary numbers are signs, or a mean and zero for each slice") {
  const auto binary = [](bool bipolar, const char* tensor = "weight") {
    return make_quantizer("binary", {{"width", 1}, {"stochastic", false}, {"bipolar", bipolar}}, tensor);
  };
  const std::vector<float> x = {0.5F, -0.0F, -1.5F, kNan, 3.0F, 0.0F};
  CHECK(same(apply(*binary(true), TensorKind::weight, 2, x), {1, 1, -1, kNan, 1, 1}));
  CHECK(same(apply(*binary(false), TensorKind::weight, 2, {0.5F, -1, -1.5F, 4, -3, 2}), {1, 0, 0, 3, 0, 3}));
  CHECK(same(apply(*binary(false), TensorKind::bias, 1, {0, -1, -2, 3}), {0, 0, 0, 1.5F}));
  CHECK(same(apply(*binary(false), TensorKind::activation, 2, {1, -2, 3, 4}), {2, 0, 2, 3}));
  CHECK(binary(true)->pass_range().hi == 1.0F);
  CHECK(binary(false)->pass_range().hi == kInf);
  CHECK(binary(true)->precision() == MetaValue::array({1, false, true}));
}

TEST_CASE("ternary numbers honor their threshold") {
  const MetaValue none = {
      {"width", 2}, {"scaling_factor", false}, {"mean", nullptr}, {"median", nullptr}, {"max", nullptr}};
  // mean |x| is 2 in both rows, d = 1.5
  const std::vector<float> x = {1, -4, 1.5F, 1.5F, -1.6F, 0, 1.4F, 5};
  const auto run = [&](const MetaValue& more) {
    return apply(*make_quantizer("ternary", with(none, more)), TensorKind::weight, 2, x);
  };
  CHECK(same(run(MetaValue::object()), {0, -1, 0, 0, -1, 0, 0, 1}));
  CHECK(same(run({{"scaling_factor", true}}), {0, -4, 0, 0, -3.3F, 0, 0, 3.3F}));
  CHECK(same(run({{"mean", 4}}), {0, -1, 0, 0, 0, 0, 0, 1}));                             // d = 3
  CHECK(same(run({{"mean", 4}, {"max", 1}, {"median", 1}}), {0, -1, 0, 0, 0, 0, 0, 1}));  // the same
  CHECK(same(run({{"max", 30}, {"median", 4}}), {0, -1, 0, 0, -1, 0, 0, 1}));             // d = 1.5
  CHECK(same(run({{"max", 28.4}, {"median", 4}}), {0, -1, 1, 1, -1, 0, 0, 1}));           // d = 1.42
  CHECK(same(run({{"median", 6}}), {0, 0, 0, 0, 0, 0, 0, 1}));                            // d = 4.5
  CHECK(same(run({{"mean", 100}, {"scaling_factor", true}}), {0, 0, 0, 0, 0, 0, 0, 0}));  // not 0/0
  const QuantizerPointer quantizer = make_quantizer("ternary", none);
  CHECK(same(apply(*quantizer, TensorKind::activation, 2, {1, kNan, 8, -1}), {0, kNan, 1, -1}));
  CHECK(quantizer->precision() == MetaValue::array({2, false, nullptr, nullptr, nullptr}));
}

TEST_CASE("tensors of binary and ternary layers stay in float32 where the width, or MASE, says so") {
  const std::vector<float> x = {0.1F, kNan, -kInf, 1e-40F};
  const MetaValue float_width = {{"width", 32}, {"stochastic", false}, {"bipolar", true}};
  CHECK(same(apply(*make_quantizer("binary", float_width, "data_in"), TensorKind::activation, 2, x), x));
  CHECK(make_quantizer("binary", float_width, "data_in")->width() == 32);
  const MetaValue mase = {{"width", 1}, {"stochastic", false}, {"bipolar", true}, {"compat", "mase"}};
  CHECK(same(apply(*make_quantizer("binary", mase, "bias"), TensorKind::bias, 1, x), x));
  CHECK(same(apply(*make_quantizer("binary", mase, "weight"), TensorKind::weight, 1, x), {1, kNan, -1, 1}));
}

TEST_CASE("options that a format cannot have are errors that say why") {
  const auto make = [](const char* format, const MetaValue& options) {
    return [=] { make_quantizer(format, options); };
  };
  const MetaValue binary = {{"width", 1}, {"stochastic", false}, {"bipolar", true}};
  CHECK_THROWS_WITH(make("binary", with(binary, {{"width", 8}}))(),
                    Contains("weight_width should be 1, or 32") && Contains("found 8"));
  CHECK_THROWS_WITH(make("binary", with(binary, {{"bipolar", false}, {"compat", "mase"}}))(),
                    Contains("four dimensions"));
  CHECK_THROWS_WITH(make("ternary", {{"width", 2}, {"mean", -1}})(),
                    Contains("weight_mean should be a number of 0 or more, found -1"));
  CHECK_THROWS_WITH(make("ternary", {{"width", 2}, {"compat", "mase"}})(), Contains("four dimensions"));
  CHECK_THROWS_WITH(make("minifloat_ieee", {{"width", 8}, {"exponent_width", 9}})(),
                    Contains("weight_exponent_width should be in 1..8, found 9"));
  CHECK_THROWS_WITH(make("minifloat_denorm", {{"width", 5}, {"exponent_width", 4}})(),
                    Contains("weight_width should be in 6..28, found 5"));
  CHECK_THROWS_WITH(make("log", {{"width", 8}, {"exponent_bias", 300}})(),
                    Contains("weight_exponent_bias should be in -126..253, found 300"));
  for (const MetaValue& size :
       {MetaValue(0), MetaValue::array(), MetaValue::array({1, -2}), MetaValue("a"), MetaValue::array({1.5})})
    CHECK_THROWS_WITH(make("block_fp", with(kBlockFp, {{"block_size", size}}))(),
                      Contains("weight_block_size should be a list of block sizes") && Contains(size.dump()));
  CHECK_THROWS_WITH(find_number_format("minifloat_iee", "test"), Contains("did you mean 'minifloat_ieee'"));
}
