// exp and log over every float32 against libm's double functions (whose own error, below 2^-52 relative, is
// nothing here), and every path against the scalar one.
#include "engine/math.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "engine/kernels/table.hpp"
#include "engine/threads.hpp"
#include "tests/engine/exercised.hpp"

using namespace jsc;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float from_word(std::uint64_t word) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(word));
}

// |y - exact| in units of the last place of a float of exact's size, or of the smallest normal's.
double ulps(float y, double exact) {
  if (std::abs(exact) >= 0x1p-126 && std::abs(exact) < 0x1p+128 && std::abs(y) < kInf) {
    const std::uint64_t exponent = std::bit_cast<std::uint64_t>(exact) & (std::uint64_t{0x7ff} << 52);
    const std::uint64_t scale = (std::uint64_t{2 * 1023 + 23} << 52) - exponent;  // 2^(23 - exponent)
    return std::abs(static_cast<double>(y) - exact) * std::bit_cast<double>(scale);
  }
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (std::isnan(exact)) return std::isnan(y) ? 0.0 : HUGE_VAL;
  if (std::isinf(exact) || std::isinf(y)) {
    const bool rounds_to_inf = std::abs(exact) > kLargest && std::abs(y) == kInf;
    return rounds_to_inf && std::signbit(exact) == std::signbit(y) ? 0.0 : HUGE_VAL;
  }
  return std::abs(static_cast<double>(y) - exact) * 0x1p+149;  // subnormal
}

using Function = void (*)(const float* x, double* y, Index n);

#if defined(__x86_64__) && defined(__GLIBC__)
// glibc's vector functions (libmvec, below 4 ulp of double), or the exhaustive tests would take a minute.
extern "C" __m128d _ZGVbN2v_exp(__m128d);
extern "C" __m128d _ZGVbN2v_log(__m128d);
template <__m128d (*function)(__m128d)>
void in_double(const float* x, double* y, Index n) {
  for (Index i = 0; i < n; i += 2) _mm_storeu_pd(y + i, function(_mm_setr_pd(x[i], x[i + 1])));
}
constexpr Function kExactExp = in_double<_ZGVbN2v_exp>, kExactLog = in_double<_ZGVbN2v_log>;
#else
template <double (*function)(double)>
void in_double(const float* x, double* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = function(static_cast<double>(x[i]));
}
constexpr Function kExactExp = in_double<std::exp>, kExactLog = in_double<std::log>;
#endif

// Largest error of a kernel over the patterns [first, last), by two threads.
template <class Kernel>
double largest_error(const Kernel& kernel, Function exact, std::uint64_t first, std::uint64_t last) {
  constexpr Index kChunk = 4096;
  const auto chunks = static_cast<Index>(last - first) / kChunk;
  std::array<double, 64> errors{};
  const auto runs = static_cast<Index>(errors.size());
  parallel_for(2, runs, [&](Index run) {
    float x[kChunk], y[kChunk];
    double e[kChunk], worst = 0.0;
    for (Index c = run; c < chunks; c += runs) {
      for (Index i = 0; i < kChunk; ++i) x[i] = from_word(first + static_cast<std::uint64_t>(c * kChunk + i));
      kernel(x, y, kChunk);
      exact(x, e, kChunk);
      for (Index i = 0; i < kChunk; ++i) worst = std::max(worst, ulps(y[i], e[i]));
    }
    errors[static_cast<std::size_t>(run)] = worst;
  });
  return *std::max_element(errors.begin(), errors.end());
}

constexpr std::uint64_t pattern(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

}  // namespace

TEST_CASE("exp is within its bound of every float32") {
  const auto kernel = engine_kernels(detected_isa()).exp;
  double worst = 0.0;
  // Patterns of [0, 104) and [-0, -128); beyond, the value is constant, which a strided look confirms.
  worst = std::max(worst, largest_error(kernel, kExactExp, 0, 0x42d00000));
  worst = std::max(worst, largest_error(kernel, kExactExp, 0x80000000, 0xc3000000));
  CAPTURE(worst);
  CHECK(worst <= kExpUlp);
  CHECK(worst > 0.5);  // the check looked at something
  std::vector<float> x(16), y(16);
  bool right = true;
  for (std::uint64_t word = 0x42d00000; word <= pattern(kInf); word += 16 * 997) {
    for (std::uint64_t i = 0; i < 16; ++i) x[i] = from_word(std::min(word + i, pattern(kInf)));
    kernel(x.data(), y.data(), 16);
    for (float value : y) right = right && value == kInf;
    for (float& value : x) value = -value;
    kernel(x.data(), y.data(), 16);
    for (float value : y) right = right && value == 0.0F;
  }
  CHECK(right);
}

TEST_CASE("log is within its bound of every float32 above 0") {
  const double worst = largest_error(engine_kernels(detected_isa()).log, kExactLog, 0x1000, 0x7f800000);
  CAPTURE(worst);
  CHECK(worst <= kLogUlp);
  CHECK(worst > 0.5);
  double smallest = 0.0;
  for (std::uint64_t word = 1; word < 0x1000; ++word)
    smallest =
        std::max(smallest, ulps(log_f32(from_word(word)), std::log(static_cast<double>(from_word(word)))));
  CHECK(smallest <= kLogUlp);
}

TEST_CASE("exp and log at the ends of their range and for NaN") {
  CHECK(exp_f32(0.0F) == 1.0F);
  CHECK(exp_f32(kInf) == kInf);
  CHECK(exp_f32(-kInf) == 0.0F);
  CHECK(std::isnan(exp_f32(kNan)));
  CHECK(log_f32(1.0F) == 0.0F);
  CHECK(log_f32(0.0F) == -kInf);
  CHECK(log_f32(-0.0F) == -kInf);
  CHECK(log_f32(kInf) == kInf);
  for (std::uint64_t word = 0x80000001; word <= 0xffffffff; word += 0x10001) {  // negative, and NaN
    REQUIRE(std::isnan(log_f32(from_word(word))));
    REQUIRE(std::isnan(log_f32(from_word(word | 0x7f800001))));
    REQUIRE(std::isnan(exp_f32(from_word(word | 0x7f800001))));
  }
}

TEST_CASE("every path of exp and log gives the bits of the scalar one") {
  std::vector<float> x((1 << 20) + 5), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = from_word(i * 4093);  // once around all patterns
  const auto n = static_cast<std::ptrdiff_t>(x.size());
  CHECK(n % 16 != 0);
  for (Isa isa : supported_isas()) {
    INFO(isa_name(isa));
    const auto same = [&](float (*scalar)(float)) {
      for (std::size_t i = 0; i < x.size(); ++i)
        if (std::bit_cast<std::uint32_t>(y[i]) != std::bit_cast<std::uint32_t>(scalar(x[i]))) {
          UNSCOPED_INFO("at " << x[i] << ": " << y[i] << " and " << scalar(x[i]));
          return false;
        }
      return true;
    };
    engine_kernels(isa).exp(x.data(), y.data(), n);
    CHECK(same(exp_f32));
    engine_kernels(isa).log(x.data(), y.data(), n);
    CHECK(same(log_f32));
    exercised(isa, {"exp", "log"});
  }
}

TEST_CASE("cos is within its bound") {
  double worst = 0.0;
  for (double x = -1000.0; x <= 1000.0; x += 0.0017)
    worst = std::max(worst, std::abs(cos_f64(x) - std::cos(x)));
  CHECK(worst <= 1e-15);
  CHECK(cos_f64(0.0) == 1.0);
}
