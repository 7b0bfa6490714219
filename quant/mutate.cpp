#include "quant/mutate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "engine/error.hpp"
#include "engine/random.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"

namespace jsc {

namespace {

// Draws one number after another of one fault's stream.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t number) : stream_{seed, kFaultStreams + number} {}
  // Uniform in [0, n).
  std::size_t operator()(std::size_t n) {
    return static_cast<std::size_t>(uniform_below(stream_, next_++, n));
  }

 private:
  static constexpr std::uint64_t kFaultStreams = std::uint64_t{1} << 56;
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

std::string output_name(const IntegerProgram& program, const IntegerStep& step) {
  return program.values[static_cast<std::size_t>(step.output)].name;
}

// The number with one bit of its format flipped, within the format.
std::int64_t flip(std::int64_t raw, std::size_t bit, const fixed::Format& format) {
  const auto flipped = static_cast<std::int64_t>(static_cast<std::uint64_t>(raw) ^ (std::uint64_t{1} << bit));
  return static_cast<std::int64_t>(fixed::wrap_to(flipped, format.width, format.is_signed));
}

std::string flip_one(std::vector<std::int64_t>& numbers, const fixed::Format& format, Dice& dice) {
  const std::size_t i = dice(numbers.size());
  const std::size_t bit = dice(static_cast<std::size_t>(format.width));
  const std::int64_t before = numbers[i];
  numbers[i] = flip(before, bit, format);
  return fmt::format("{}, bit {} flipped ({} -> {})", i, bit, before, numbers[i]);
}

std::string flip_weight(IntegerStep& step, Dice& dice) {
  return "weight " + flip_one(step.weights, step.weight_format, dice);
}

std::string flip_bias(IntegerStep& step, Dice& dice) {
  return "bias " + flip_one(step.bias, step.bias_format, dice);
}

std::string change_rounding(fixed::Format& format, Dice& dice) {
  const fixed::Rounding before = format.rounding;
  const auto other = 1 + dice(static_cast<std::size_t>(fixed::kRoundings - 1));
  format.rounding =
      static_cast<fixed::Rounding>((static_cast<std::size_t>(before) + other) % fixed::kRoundings);
  return fmt::format("rounding {} instead of {}", fixed::name(format.rounding), fixed::name(before));
}

std::string shorten(IntegerStep& step, Dice& dice) {
  if (step.accumulator) {
    --step.accumulator->width;
    --step.accumulator->integer;
    step.accumulator->saturated_bits = std::min(step.accumulator->saturated_bits, step.accumulator->width);
    return fmt::format("accumulator {}, one bit short", fixed::to_string(*step.accumulator));
  }
  const std::size_t neuron = dice(step.sum_widths.size());
  --step.sum_widths[neuron];
  return fmt::format("sum {} in {} bits, one bit short", neuron, step.sum_widths[neuron]);
}

std::string swap_neurons(IntegerStep& step, std::size_t neurons, Dice& dice) {
  const std::size_t terms = step.weights.size() / neurons;
  const std::size_t a = dice(neurons), b = (a + 1 + dice(neurons - 1)) % neurons;
  std::swap_ranges(step.weights.begin() + static_cast<std::ptrdiff_t>(a * terms),
                   step.weights.begin() + static_cast<std::ptrdiff_t>((a + 1) * terms),
                   step.weights.begin() + static_cast<std::ptrdiff_t>(b * terms));
  if (!step.bias.empty()) std::swap(step.bias[a], step.bias[b]);
  if (!step.sum_widths.empty()) std::swap(step.sum_widths[a], step.sum_widths[b]);
  return fmt::format("neurons {} and {} swapped", a, b);
}

// A kind of fault and the steps that can have it.
struct Kind {
  std::function<bool(const IntegerStep&)> possible;
  std::function<std::string(IntegerStep&, Dice&)> plant;
};

bool has_sums(const IntegerStep& step) {
  return step.operation == Operation::dense || step.operation == Operation::scale_shift;
}

}  // namespace

Mutant plant_fault(const IntegerProgram& program, std::uint64_t seed, std::uint64_t number) {
  const auto neurons = [&](const IntegerStep& step) {
    return static_cast<std::size_t>(program.values[static_cast<std::size_t>(step.output)].features);
  };
  const Kind kinds[] = {
      {has_sums, flip_weight},
      {[](const IntegerStep& step) { return has_sums(step) && !step.bias.empty(); }, flip_bias},
      {[](const IntegerStep& step) { return step.operation == Operation::quantize || step.accumulator; },
       [](IntegerStep& step, Dice& dice) {
         return change_rounding(step.accumulator ? *step.accumulator : step.format, dice);
       }},
      {[](const IntegerStep& step) {
         return step.accumulator ? step.accumulator->width > 1
                                 : has_sums(step) && std::ranges::min(step.sum_widths) > 1;
       },
       shorten},
      {[&](const IntegerStep& step) { return has_sums(step) && neurons(step) > 1; },
       [&](IntegerStep& step, Dice& dice) { return swap_neurons(step, neurons(step), dice); }},
  };
  Dice dice(seed, number);
  std::vector<std::pair<const Kind*, std::vector<std::size_t>>> choices;
  for (const Kind& kind : kinds) {
    std::vector<std::size_t> steps;
    for (std::size_t s = 0; s < program.steps.size(); ++s)
      if (kind.possible(program.steps[s])) steps.push_back(s);
    if (!steps.empty()) choices.emplace_back(&kind, std::move(steps));
  }
  if (choices.empty()) fail("mutate: the network has nothing in which a fault could be planted");
  const auto& [kind, steps] = choices[dice(choices.size())];
  Mutant mutant{{}, program};
  IntegerStep& step = mutant.program.steps[steps[dice(steps.size())]];
  mutant.fault = output_name(program, step) + ": " + kind->plant(step, dice);
  return mutant;
}

}  // namespace jsc
