// Single steps with random formats of their input, weights, bias and accumulator, wide ones and all modes
// among them, by every instruction set against the reference executor.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "engine/random.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/integer/reference.hpp"

using namespace jsc;
using fixed::Format;
using fixed::Overflow;
using fixed::Rounding;

namespace {

constexpr std::uint64_t kSeed = 5;
constexpr Index kSamples = 37;  // two vectors and a cut one

class Draws {
 public:
  explicit Draws(std::uint64_t stream) : key_{kSeed, stream} {}
  int below(int n) { return static_cast<int>(uniform_below(key_, next_++, static_cast<std::uint64_t>(n))); }
  // Of a format, with both ends frequent.
  std::int64_t raw(const Format& format) {
    const Range range = full_range(format);
    if (below(4) == 0) return below(2) == 0 ? range.lo : range.hi;
    const auto values = static_cast<std::uint64_t>(range.hi - range.lo) + 1;
    return range.lo + static_cast<std::int64_t>(uniform_below(key_, next_++, values));
  }

 private:
  RandomStream key_;
  std::uint64_t next_ = 0;
};

// Of every width, with -12 to 62 fraction bits fewer than the products, so that casts shift both ways.
Format accumulator_format(Draws& draws, int product_fraction) {
  Format format{2 + draws.below(59), 0, draws.below(3) != 0};
  format.integer = format.width - (product_fraction + draws.below(75) - 62);
  if (draws.below(2) == 0) {  // what kernels do at once
    constexpr Rounding roundings[] = {Rounding::trn, Rounding::rnd, Rounding::rnd_conv};
    format.rounding = roundings[draws.below(3)];
    format.overflow = draws.below(2) == 0 ? Overflow::sat : Overflow::wrap;
  } else {
    format.rounding = static_cast<Rounding>(draws.below(fixed::kRoundings));
    format.overflow = static_cast<Overflow>(draws.below(fixed::kOverflows));
    if (format.overflow == Overflow::wrap_sm) format.is_signed = true;
    if (draws.below(5) == 0) format.saturated_bits = draws.below(std::min(3, format.width));
  }
  return format;
}

// One step from value 0 to value 1; throws Error where its numbers do not fit.
IntegerProgram random_step(Draws& draws) {
  IntegerProgram program;
  const Format in{2 + draws.below(29), draws.below(20), draws.below(2) == 0};
  const Index features = 1 + draws.below(7);
  program.values.push_back({"in", features, in.fraction(), {}});
  program.values[0].ranges.assign(static_cast<std::size_t>(features), full_range(in));
  program.inputs = {{0, in}};
  IntegerStep step;
  step.operation = draws.below(3) == 0 ? Operation::scale_shift : Operation::dense;
  const Index out = step.operation == Operation::dense ? 1 + draws.below(9) : features;
  step.weight_format = {2 + draws.below(29), draws.below(20)};
  step.bias_format = {2 + draws.below(20), draws.below(20)};
  for (Index i = 0; i < (step.operation == Operation::dense ? out * features : out); ++i)
    step.weights.push_back(draws.raw(step.weight_format));
  if (draws.below(4) != 0)
    for (Index i = 0; i < out; ++i) step.bias.push_back(draws.raw(step.bias_format));
  step.accumulator = accumulator_format(draws, in.fraction() + step.weight_format.fraction());
  step.inputs = {0};
  step.output = 1;
  program.values.push_back({"y", out, step.accumulator->fraction(), {}});
  program.values[1].ranges = analyze(program, step).ranges;
  program.steps.push_back(step);
  program.result = 1;
  check(program);
  return program;
}

}  // namespace

TEST_CASE("steps of random formats equal the reference on every instruction set") {
  std::set<std::tuple<int, Rounding, Overflow>> seen;  // with the word's bits
  int steps = 0, far_shifts = 0;
  for (std::uint64_t seed = 0; seed < 10000; ++seed) {
    INFO("seed " << kSeed << ", stream " << seed);
    Draws draws(seed);
    IntegerProgram program;
    try {
      program = random_step(draws);
    } catch (const Error&) {
      continue;  // too wide together
    }
    const Index in = program.values[0].features, out = program.values[1].features;
    const Format& format = *program.steps[0].accumulator;
    std::vector<std::int64_t> rows, columns(static_cast<std::size_t>(in * kSamples)),
        expected(static_cast<std::size_t>(out * kSamples));
    for (Index i = 0; i < kSamples; ++i)
      for (Index f = 0; f < in; ++f) {
        rows.push_back(draws.raw(program.inputs[0].format));
        columns[static_cast<std::size_t>(f * kSamples + i)] = rows.back();
      }
    std::int64_t* values[] = {rows.data(), expected.data()};
    run_reference(program, kSamples, values);
    const IntegerNetwork network(program);
    for (Isa isa : supported_isas()) {
      INFO(isa_name(isa));
      IntegerNetwork::Workspace workspace(network);
      const std::int64_t* inputs[] = {columns.data()};
      network.run(isa, kSamples, inputs, kSamples, workspace);
      int wrong = 0;
      for (Index f = 0; f < out; ++f)
        for (Index i = 0; i < kSamples; ++i)
          wrong += static_cast<int>(workspace.at(1, f, i) != expected[static_cast<std::size_t>(i * out + f)]);
      REQUIRE(wrong == 0);
    }
    ++steps;
    seen.insert({network.word_bits(), format.rounding, format.overflow});
    far_shifts += static_cast<int>(
        program.values[0].fraction + program.steps[0].weight_format.fraction() - format.fraction() > 28);
  }
  CHECK(steps > 3000);
  CHECK(far_shifts > 500);
  for (int word : {32, 64})
    for (Rounding rounding : {Rounding::trn, Rounding::rnd, Rounding::rnd_conv})
      for (Overflow overflow : {Overflow::wrap, Overflow::sat})
        CHECK(seen.count({word, rounding, overflow}) == 1);
}
