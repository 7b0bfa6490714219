// The kernels of integer/network.cpp that do more than one thing at once, against their plain meaning, on
// every table that this processor can run (AVX-512 with and without VNNI).
#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "engine/random.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/kernels/integer_kernels.hpp"

using namespace jsc;

namespace {

constexpr std::int32_t kGuard = 0x5a5a5a5a;

std::vector<std::pair<std::string, const IntegerKernels*>> tables() {
  std::vector<std::pair<std::string, const IntegerKernels*>> all = {{"portable", &kIntegerKernelsPortable}};
#ifdef JSC_X86_64
  if (detected_isa() >= Isa::avx2) all.emplace_back("avx2", &kIntegerKernelsAvx2);
  if (detected_isa() >= Isa::avx512) all.emplace_back("avx512", &kIntegerKernelsAvx512);
  if (detected_isa() >= Isa::avx512 && __builtin_cpu_supports("avx512vnni"))
    all.emplace_back("vnni", &kIntegerKernelsVnni);
#endif
  return all;
}

// Uniform in [lo, hi], with both ends frequent.
std::int32_t draw(std::uint64_t stream, Index i, std::int32_t lo, std::int32_t hi) {
  const std::uint64_t any = uniform_below({5, stream}, static_cast<std::uint64_t>(i), 1U << 30);
  if (any % 8 == 0) return any % 16 == 0 ? lo : hi;
  return lo + static_cast<std::int32_t>(any / 16 % (static_cast<std::uint64_t>(hi) - lo + 1));
}

AlignedArray<std::int32_t> guarded(Index n) {
  AlignedArray<std::int32_t> array = make_aligned<std::int32_t>(n);
  std::fill_n(array.get(), n, kGuard);
  return array;
}

// dense sums from packed numbers; `per_word` 4 (inputs from lo up, `offset` added) or 2.
void require_dots(const IntegerKernels& kernels, int per_word, Index out, Index in, Index samples,
                  std::int32_t lo, std::int32_t hi, int offset) {
  const Index stride = round_up(samples, 16) + 16, groups = (in + per_word - 1) / per_word;
  const int bits = 32 / per_word;
  const std::int32_t half = 1 << (bits - 1);
  AlignedArray<std::int32_t> x = guarded(in * stride), packed = guarded(groups * stride),
                             y = guarded(out * stride);
  for (Index k = 0; k < in; ++k)
    for (Index i = 0; i < samples; ++i) x[k * stride + i] = draw(1, k * samples + i, lo, hi);
  std::vector<std::int32_t> words(static_cast<std::size_t>(out * groups), 0), bias;
  std::vector<int> widths;
  const auto weight = [&](Index o, Index k) { return draw(2, o * in + k, -half, half - 1); };
  for (Index o = 0; o < out; ++o) {
    bias.push_back(draw(3, o, -1000000, 1000000));
    widths.push_back(32 - static_cast<int>(o % 3) * 7);
    for (Index k = 0; k < in; ++k) {
      auto& word = words[static_cast<std::size_t>(o * groups + k / per_word)];
      const auto field = static_cast<std::uint32_t>(weight(o, k)) & (per_word == 4 ? 0xffU : 0xffffU);
      word = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) | field << (bits * (k % per_word)));
    }
  }
  const int align = 2;
  const DotArguments arguments{out,    groups,  words.data(), bias.data(), widths.data(), packed.get(),
                               stride, y.get(), stride,       samples,     align};
  if (per_word == 4) {
    kernels.pack_bytes(in, samples, x.get(), stride, offset, packed.get(), stride);
    kernels.dot_bytes(arguments);
  } else {
    kernels.pack_shorts(in, samples, x.get(), stride, packed.get(), stride);
    kernels.dot_shorts(arguments);
  }
  for (Index o = 0; o < out; ++o) {
    for (Index i = 0; i < samples; ++i) {
      std::int64_t sum = 0;
      for (Index k = 0; k < in; ++k)
        sum += static_cast<std::int64_t>(weight(o, k)) * (x[k * stride + i] + offset);
      const auto expected = static_cast<std::int64_t>(fixed::wrap_to(
          sum * (1 << align) + bias[static_cast<std::size_t>(o)], widths[static_cast<std::size_t>(o)], true));
      CAPTURE(per_word, out, in, samples, o, i);
      REQUIRE(y[o * stride + i] == expected);
    }
    for (Index i = round_up(samples, 16); i < stride; ++i) REQUIRE(y[o * stride + i] == kGuard);
  }
}

}  // namespace

TEST_CASE("sums of packed bytes and shorts are those of the numbers") {
  for (const auto& [name, kernels] : tables()) {
    CAPTURE(name);
    for (Index out : {1, 7, 8, 9, 17})
      for (Index in : {1, 2, 3, 4, 5, 16, 33})
        for (Index samples : {1, 8, 15, 16, 17, 32, 50}) {
          if (kernels->dot_bytes != nullptr) {
            require_dots(*kernels, 4, out, in, samples, 0, 255, 0);
            require_dots(*kernels, 4, out, in, samples, -128, 127, 128);
          }
          if (kernels->dot_shorts != nullptr) require_dots(*kernels, 2, out, in, samples, -32768, 32767, 0);
        }
  }
}

TEST_CASE("fused accumulators cast every product and every sum") {
  constexpr Index kSamples = 37, kStride = 64, kOut = 6, kIn = 9;
  for (const auto& [name, kernels] : tables())
    for (const auto rounding : {fixed::Rounding::trn, fixed::Rounding::rnd, fixed::Rounding::rnd_conv})
      for (const auto overflow : {fixed::Overflow::wrap, fixed::Overflow::sat})
        for (int shift : {0, 1, 5, 12}) {
          CAPTURE(name, shift);
          constexpr int kWidth = 9;
          AlignedArray<std::int32_t> x = guarded(kIn * kStride), y = guarded(kOut * kStride);
          for (Index i = 0; i < kIn * kStride; ++i) x[i] = draw(7, i, -2048, 2047);
          std::vector<std::int32_t> weights, bias;
          for (Index i = 0; i < kOut * kIn; ++i)
            weights.push_back(draw(8, i, -128, 127) >> (shift == 12 ? 0 : 4));
          for (Index i = 0; i < kOut; ++i) bias.push_back(draw(9, i, -256, 255));
          const fixed::Format format{kWidth, kWidth, true, rounding, overflow, 0};
          kernels->narrow.accumulate({kOut,
                                      kIn,
                                      weights.data(),
                                      bias.data(),
                                      x.get(),
                                      kStride,
                                      y.get(),
                                      kStride,
                                      kSamples,
                                      {shift, rounding, overflow, true, 32 - kWidth, -256, 255}});
          for (Index o = 0; o < kOut; ++o)
            for (Index i = 0; i < kSamples; ++i) {
              fixed::Wide sum = bias[static_cast<std::size_t>(o)];
              for (Index k = 0; k < kIn; ++k) {
                const fixed::Wide product =
                    weights[static_cast<std::size_t>(o * kIn + k)] * x[k * kStride + i];
                sum = fixed::cast(sum + fixed::cast(product, shift, format), 0, format);
              }
              REQUIRE(y[o * kStride + i] == static_cast<std::int32_t>(sum));
            }
        }
}

TEST_CASE("floats are quantized as by the definition, and the first of the largest is found") {
  constexpr Index kSamples = 1003;
  const fixed::Format format{9, 4, true, fixed::Rounding::rnd_conv, fixed::Overflow::sat, 0};
  std::vector<float> x(kSamples);
  fill_uniform({3, 1}, 0, -12.0F, 12.0F, x.data(), kSamples);
  for (Index i = 0; i < 500; ++i)
    x[static_cast<std::size_t>(i)] = static_cast<float>(draw(4, i, -700, 700)) / 64;  // ties
  const float special[] = {0.0F,
                           -0.0F,
                           std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(),
                           std::numeric_limits<float>::denorm_min(),
                           std::numeric_limits<float>::max(),
                           std::numeric_limits<float>::lowest()};
  std::copy(std::begin(special), std::end(special), x.begin() + 600);
  for (const auto& [name, kernels] : tables()) {
    CAPTURE(name);
    std::vector<std::int32_t> y(kSamples + 1, kGuard), best(kSamples + 1, kGuard);
    kernels->narrow.quantize(kSamples, x.data(), 32.0F, -256, 255, y.data());
    for (std::size_t i = 0; i < kSamples; ++i) {
      CAPTURE(x[i]);
      REQUIRE(y[i] == static_cast<std::int32_t>(fixed::from_double(x[i], format)));
    }
    std::vector<std::int32_t> rows(5 * 1024);
    for (Index i = 0; i < std::ssize(rows); ++i)
      rows[static_cast<std::size_t>(i)] = draw(6, i, -3, 3);  // many equals
    kernels->narrow.argmax(5, kSamples, rows.data(), 1024, best.data());
    for (std::size_t i = 0; i < kSamples; ++i) {
      std::int32_t expected = 0;
      for (std::int32_t row = 1; row < 5; ++row)
        if (rows[static_cast<std::size_t>(row) * 1024 + i] >
            rows[static_cast<std::size_t>(expected) * 1024 + i])
          expected = row;
      REQUIRE(best[i] == expected);
    }
    CHECK(y.back() == kGuard);
    CHECK(best.back() == kGuard);
  }
}

TEST_CASE("a range is widened to hold all numbers") {
  for (const auto& [name, kernels] : tables())
    for (Index n = 1; n <= 40; ++n)
      for (Index at = 0; at < n; ++at) {
        CAPTURE(name, n, at);
        const auto require_widened = [&]<class T>(const IntegerKernelsOf<T>& table, T far) {
          std::vector<T> x(static_cast<std::size_t>(n) + 1, T{3});
          x.back() = std::numeric_limits<T>::max();  // beyond the end
          T lo = 2, hi = 4;
          x[static_cast<std::size_t>(at)] = far;
          table.widen(n, x.data(), lo, hi);
          REQUIRE(lo == std::min<T>(far, 2));
          REQUIRE(hi == std::max<T>(far, 4));
        };
        for (const std::int32_t far : {5, -5}) require_widened(kernels->narrow, far);
        for (const std::int64_t far : {std::int64_t{1} << 40, -(std::int64_t{1} << 40)})
          require_widened(kernels->wide, far);
      }
}
