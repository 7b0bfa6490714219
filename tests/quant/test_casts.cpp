// The kernels of integer networks against their definitions: casts against fixed::cast, programs against
// run_reference, on every instruction set that this machine has.
#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "engine/random.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/reference.hpp"
#include "quant/kernels/cast_rows.hpp"
#include "quant/kernels/integer_kernels.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;
using fixed::Format;
using fixed::Overflow;
using fixed::Rounding;

namespace {

std::int64_t random_integer(std::uint64_t stream, std::uint64_t i, int bits) {
  const auto high = static_cast<std::uint64_t>(uniform01({stream, 1}, i) * 0x1p24F);
  const auto middle = static_cast<std::uint64_t>(uniform01({stream, 2}, i) * 0x1p24F);
  const auto low = static_cast<std::uint64_t>(uniform01({stream, 3}, i) * 0x1p24F);
  const std::uint64_t all = high << 40 ^ middle << 20 ^ low;
  return static_cast<std::int64_t>(all) >> (64 - bits);
}

constexpr std::int64_t kGuard = 0x5a5a5a5a;

// Casts in place and into another array, with a guard behind it.
template <class T>
void require_cast(Isa isa, const std::vector<T>& from, int fraction, const Format& format) {
  const auto n = static_cast<Index>(from.size());
  std::vector<T> to(from.size() + 1, static_cast<T>(kGuard)), in_place(from);
  cast_row(isa, n, from.data(), fraction, format, to.data());
  cast_row(isa, n, in_place.data(), fraction, format, in_place.data());
  if (to.back() != static_cast<T>(kGuard)) FAIL("written behind the end");
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto expected = static_cast<T>(fixed::cast(from[i], fraction, format));
    if (to[i] == expected && in_place[i] == expected) continue;
    CAPTURE(isa_name(isa), from[i], fraction, format.width, format.fraction(), format.is_signed,
            format.saturated_bits, static_cast<int>(format.rounding), static_cast<int>(format.overflow));
    CAPTURE(to[i], in_place[i]);
    REQUIRE(to[i] == expected);
    REQUIRE(in_place[i] == expected);
  }
}

template <class Function>
void for_each_mode(int width, int fraction, const Function& f) {
  for (int rounding = 0; rounding < fixed::kRoundings; ++rounding)
    for (int overflow = 0; overflow < fixed::kOverflows; ++overflow)
      for (bool is_signed : {true, false})
        for (int saturated : {0, 1, 2}) {
          const Format format{width,
                              width - fraction,
                              is_signed,
                              static_cast<Rounding>(rounding),
                              static_cast<Overflow>(overflow),
                              saturated};
          if (fixed::is_valid(format)) f(format);
        }
}

template <class T>
void require_small_casts(Isa isa) {
  std::vector<T> all(2 * 600 + 1);  // every number of ten bits and some
  std::iota(all.begin(), all.end(), T{-600});
  for (int width : {1, 2, 3, 4, 7, 12})
    for (int shift : {-2, 0, 1, 2, 3, 5, 8, 12})
      for_each_mode(width, 2, [&](const Format& format) { require_cast(isa, all, 2 + shift, format); });
}

template <class T>
void require_large_casts(Isa isa) {
  constexpr int kBits = 8 * sizeof(T) - 1;  // with the sign: |from| < 2^(kBits - 1)
  std::vector<T> numbers;
  for (int bit = 0; bit < kBits - 1; ++bit)
    for (std::int64_t off : {-1, 0, 1})
      for (std::int64_t sign : {-1, 1})
        numbers.push_back(static_cast<T>(sign * ((std::int64_t{1} << bit) + off)));
  numbers.push_back(static_cast<T>((std::int64_t{1} << (kBits - 1)) - 1));
  numbers.push_back(static_cast<T>(-numbers.back()));
  for (std::uint64_t i = 0; i < 101; ++i)
    numbers.push_back(static_cast<T>(random_integer(9, i, kBits - static_cast<int>(i % 20))));
  for (int width : {1, 8, 16, 24, kBits - 1, kBits})
    for (int shift : {0, 1, 4, 11, 23, kBits / 2, kBits - 2, kBits - 1, kBits, kBits + 1})
      for_each_mode(width, 3, [&](const Format& format) { require_cast(isa, numbers, 3 + shift, format); });
  for (int up : {1, 5, 13})  // to more fraction bits than there are, about where they still fit into T
    for (int bit = kBits - 3 - up; bit <= kBits - up + 1 && bit < kBits - 1; ++bit) {
      const T most = static_cast<T>(std::int64_t{1} << bit);
      const std::vector<T> ends = {most, static_cast<T>(most - 1), static_cast<T>(-most),
                                   static_cast<T>(1 - most), 1};
      for (int width : {8, kBits - 1})
        for_each_mode(width, 3, [&](const Format& format) {
          require_cast(isa, ends, 3 - up, format);
          require_cast(isa, std::vector<T>{1, static_cast<T>(-most)}, 3 - up, format);
        });
    }
}

}  // namespace

TEST_CASE("casts of rows equal the cast of each number") {
  for (Isa isa : supported_isas()) {
    require_small_casts<std::int32_t>(isa);
    require_small_casts<std::int64_t>(isa);
    require_large_casts<std::int32_t>(isa);
    require_large_casts<std::int64_t>(isa);
  }
}

namespace {

template <class T>
std::vector<T> random_row(std::uint64_t stream, Index n, int bits) {
  std::vector<T> row(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<T>(random_integer(stream, i, bits));
  return row;
}

template <class T>
T wrapped(std::uint64_t sum, int width) {
  return static_cast<T>(fixed::wrap_to(static_cast<fixed::Wide>(sum), width, true));
}

std::uint64_t bits_of(std::int64_t v) {
  return static_cast<std::uint64_t>(v);
}

// Sums wrap modulo the register, so any numbers will do.
template <class T>
void require_row_kernels(const IntegerKernelsOf<T>& kernels, Index n) {
  constexpr int kBits = 8 * sizeof(T);
  const std::vector<T> a = random_row<T>(1, n, kBits), b = random_row<T>(2, n, kBits);
  const auto require = [&](const auto& run, const auto& expected) {
    std::vector<T> y(static_cast<std::size_t>(n) + 1, static_cast<T>(kGuard));
    run(y.data());
    REQUIRE(y.back() == static_cast<T>(kGuard));
    for (std::size_t i = 0; i < a.size(); ++i) {
      CAPTURE(i, n, a[i], b[i], y[i]);
      REQUIRE(y[i] == static_cast<T>(expected(i)));
    }
  };
  const T w = b.empty() ? T{3} : b[0];
  require([&](T* y) { kernels.scale(n, w, a.data(), y); },
          [&](std::size_t i) { return wrapped<T>(bits_of(w) * bits_of(a[i]), kBits); });
  require([&](T* y) { kernels.add(n, a.data(), b.data(), y); },
          [&](std::size_t i) { return wrapped<T>(bits_of(a[i]) + bits_of(b[i]), kBits); });
  require([&](T* y) { kernels.sub(n, a.data(), b.data(), y); },
          [&](std::size_t i) { return wrapped<T>(bits_of(a[i]) - bits_of(b[i]), kBits); });
  require([&](T* y) { kernels.mul(n, a.data(), b.data(), y); },
          [&](std::size_t i) { return wrapped<T>(bits_of(a[i]) * bits_of(b[i]), kBits); });
  require([&](T* y) { kernels.relu(n, a.data(), y); }, [&](std::size_t i) { return a[i] > 0 ? a[i] : T{0}; });
  for (int width : {2, 9, 20, kBits})
    require([&](T* y) { kernels.scale_shift(n, w, T{-77}, width, a.data(), y); },
            [&](std::size_t i) { return wrapped<T>(bits_of(w) * bits_of(a[i]) + bits_of(-77), width); });
}

template <class T>
void require_dense(const IntegerKernelsOf<T>& kernels, Index out, Index in, Index samples) {
  constexpr int kBits = 8 * sizeof(T);
  const Index stride = round_up(samples, 16) + 16;
  const auto aligned = [](const std::vector<T>& row) {
    AlignedArray<T> copy = make_aligned<T>(static_cast<Index>(row.size()));
    std::ranges::copy(row, copy.get());
    return copy;
  };
  const AlignedArray<T> x = aligned(random_row<T>(3, in * stride, kBits));
  const std::vector<T> weights = random_row<T>(4, out * in, kBits), bias = random_row<T>(5, out, kBits);
  std::vector<int> widths;
  for (Index o = 0; o < out; ++o) widths.push_back(1 + static_cast<int>(o * 7) % kBits);
  const AlignedArray<T> y = aligned(std::vector<T>(static_cast<std::size_t>(out * stride), T{kGuard}));
  kernels.dense(
      {out, in, weights.data(), bias.data(), widths.data(), x.get(), stride, y.get(), stride, samples});
  for (Index o = 0; o < out; ++o) {
    for (Index i = 0; i < samples; ++i) {
      std::uint64_t sum = bits_of(bias[static_cast<std::size_t>(o)]);
      for (Index k = 0; k < in; ++k)
        sum += bits_of(weights[static_cast<std::size_t>(o * in + k)]) * bits_of(x[k * stride + i]);
      CAPTURE(out, in, samples, o, i);
      REQUIRE(y[o * stride + i] == wrapped<T>(sum, widths[static_cast<std::size_t>(o)]));
    }
    for (Index i = round_up(samples, 16); i < stride; ++i) REQUIRE(y[o * stride + i] == T{kGuard});
  }
}

}  // namespace

TEST_CASE("integer kernels compute modulo their word, at every size") {
  for (Isa isa : supported_isas()) {
    CAPTURE(isa_name(isa));
    const IntegerKernels& kernels = integer_kernels(isa);
    for (Index n : {0, 1, 7, 8, 15, 16, 17, 64, 100}) {
      require_row_kernels(kernels.narrow, n);
      require_row_kernels(kernels.wide, n);
    }
    for (Index out : {1, 5, 7, 8, 9, 16, 21})
      for (Index in : {1, 3, 16})
        for (Index samples : {1, 15, 16, 17, 40}) {
          require_dense(kernels.narrow, out, in, samples);
          require_dense(kernels.wide, out, in, samples);
        }
  }
}

namespace {

// Every value of the program for integer inputs drawn from the whole range of their formats.
void require_equal_to_reference(const IntegerProgram& program, int expected_word) {
  constexpr Index kSamples = 133;
  const IntegerNetwork network(program);
  REQUIRE(network.word_bits() == expected_word);
  std::vector<std::vector<std::int64_t>> reference, inputs;
  for (const IntegerValue& value : program.values)
    reference.emplace_back(static_cast<std::size_t>(value.features * kSamples));
  std::vector<std::int64_t*> values;
  for (auto& value : reference) values.push_back(value.data());
  std::vector<const std::int64_t*> input_rows;
  for (const IntegerInput& input : program.inputs) {
    const auto features = static_cast<std::size_t>(program.input_features());
    inputs.emplace_back(features * kSamples);
    for (std::size_t f = 0; f < features; ++f)
      for (std::size_t i = 0; i < kSamples; ++i) {
        const std::int64_t any = random_integer(21 + f, i, input.format.width);
        const std::int64_t raw =
            input.format.is_signed ? any : any & static_cast<std::int64_t>(input.format.max_raw());
        inputs.back()[f * kSamples + i] = raw;
        values[static_cast<std::size_t>(input.value)][i * features + f] = raw;
      }
  }
  for (const auto& input : inputs) input_rows.push_back(input.data());
  run_reference(program, kSamples, values.data());
  for (Isa isa : supported_isas()) {
    CAPTURE(isa_name(isa));
    IntegerNetwork::Workspace workspace(network);
    network.run(isa, kSamples, input_rows.data(), kSamples, workspace);
    for (std::size_t v = 0; v < program.values.size(); ++v) {
      const Index features = program.values[v].features;
      for (Index f = 0; f < features; ++f)
        for (Index i = 0; i < kSamples; ++i) {
          const std::int64_t expected = reference[v][static_cast<std::size_t>(i * features + f)];
          if (workspace.at(static_cast<int>(v), f, i) == expected) continue;
          CAPTURE(program.values[v].name, f, i);
          REQUIRE(workspace.at(static_cast<int>(v), f, i) == expected);
        }
    }
  }
}

}  // namespace

TEST_CASE("networks of integers equal the reference on every instruction set") {
  const auto [width, fraction, word] = GENERATE(table<int, int, int>({{8, 4, 32}, {4, 1, 32}, {24, 12, 64}}));
  CAPTURE(width, fraction);
  Graph plain = small_network(16, 12, 5, 3);
  quantize_all(plain, integer_config(width, fraction));
  require_equal_to_reference(lower(plain), word);
  Graph matmul = matmul_network(16, 12, 5, 3);
  quantize_all(matmul, integer_config(width, fraction));
  require_equal_to_reference(lower(matmul), word);
  Graph branching = branching_network(7, 4);
  MetaValue config = integer_config(width, fraction);
  config["data_in_signed"] = true;
  quantize_all(branching, config);
  require_equal_to_reference(lower(branching), word);
}

TEST_CASE("networks with an accumulator equal the reference on every instruction set") {
  const std::string accumulator =
      GENERATE("fixed<16,6>", "fixed<12,3,RND_CONV,SAT>", "fixed<10,4,TRN,WRAP,2>");
  CAPTURE(accumulator);
  for (int width : {8, 16})
    for (bool matmul : {false, true}) {
      Graph graph = matmul ? matmul_network(16, 12, 5, 3) : small_network(16, 12, 5, 3);
      MetaValue config = integer_config(width, width / 2);
      config["accum"] = accumulator;
      quantize_all(graph, config);
      require_equal_to_reference(lower(graph), 32);
    }
}
