#include "quant/integer/program.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "engine/error.hpp"
#include "engine/nearest.hpp"
#include "quant/fixed/text.hpp"

namespace jsc {

namespace {

constexpr std::string_view kNames[] = {"quantize", "dense", "scale_shift", "relu", "add", "sub", "mul"};

std::size_t input_count(Operation operation) {
  return operation == Operation::add || operation == Operation::sub || operation == Operation::mul ? 2 : 1;
}

class Hash {
 public:
  Hash() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  ~Hash() { XXH3_freeState(state_); }
  void add(std::int64_t number) { XXH3_64bits_update(state_, &number, sizeof number); }
  void add(const std::vector<std::int64_t>& numbers) {
    add(static_cast<std::int64_t>(numbers.size()));
    XXH3_64bits_update(state_, numbers.data(), numbers.size() * sizeof(std::int64_t));
  }
  void add(const fixed::Format& f) {
    for (int number : {f.width, f.integer, f.is_signed ? 1 : 0, static_cast<int>(f.rounding),
                       static_cast<int>(f.overflow), f.saturated_bits})
      add(number);
  }
  std::string text() const { return fmt::format("{:016x}", XXH3_64bits_digest(state_)); }

 private:
  XXH3_state_t* state_;
};

}  // namespace

std::string_view operation_name(Operation operation) {
  return kNames[static_cast<std::size_t>(operation)];
}

Operation find_operation(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) fail("there is no operation '{}'{}", name, suggestion(name, kNames));
  return static_cast<Operation>(found - std::begin(kNames));
}

std::int64_t IntegerProgram::input_features() const {
  return values[static_cast<std::size_t>(inputs[0].value)].features;
}

std::int64_t IntegerProgram::result_features() const {
  return values[static_cast<std::size_t>(result)].features;
}

int signed_width(Range range) {
  const auto magnitude = static_cast<std::uint64_t>(std::max(range.hi, ~range.lo));  // ~lo = -lo - 1
  return range.hi < 0 && range.lo >= 0 ? 1 : static_cast<int>(std::bit_width(magnitude)) + 1;
}

namespace {

// Bits of magnitude that the arithmetic has: casts see numbers below 2^62.
constexpr int kMaxBits = 61;
constexpr int kMaxFraction = 1 << 20;  // so that sums of fractions stay far from overflow

void check_format(const fixed::Format& format, std::string_view who) {
  try {
    fixed::check(format);
  } catch (const fixed::Error& error) {
    fail("integer network, {}: {}", who, error.what());
  }
  if (format.magnitude_bits() > kMaxBits)
    fail("integer network, {}: expected a format of at most {} bits beside the sign, found {}", who, kMaxBits,
         fixed::to_string(format));
}

void check_fraction(int expected, const IntegerValue& value, std::string_view who) {
  if (value.fraction != expected)
    fail("integer network, {}: expected value '{}' to have {} bits of fraction, found {}", who, value.name,
         expected, value.fraction);
}

// A kernel could overflow on numbers that their format does not have.
void check_numbers(const std::vector<std::int64_t>& numbers, const fixed::Format& format,
                   std::string_view who) {
  check_format(format, who);
  for (std::int64_t number : numbers)
    if (!format.holds(number))
      fail("integer network, {}: {} is not a number of {}", who, number, fixed::to_string(format));
}

// What the step yields must stand where the binary points of its inputs put it.
void check_fractions(const IntegerProgram& program, const IntegerStep& step, std::string_view who) {
  const auto value = [&](int v) -> const IntegerValue& {
    return program.values[static_cast<std::size_t>(v)];
  };
  const IntegerValue &a = value(step.inputs.front()), &b = value(step.inputs.back()), &y = value(step.output);
  const int product = a.fraction + step.weight_format.fraction();
  switch (step.operation) {
    case Operation::quantize:
      return check_fraction(step.format.fraction(), y, who);
    case Operation::add:
    case Operation::sub:
      check_fraction(a.fraction, b, who);
      [[fallthrough]];
    case Operation::relu:
      return check_fraction(a.fraction, y, who);
    case Operation::mul:
      return check_fraction(a.fraction + b.fraction, y, who);
    case Operation::dense:
    case Operation::scale_shift:
      if (step.accumulator) return check_fraction(step.accumulator->fraction(), y, who);
      const int least = step.bias.empty() ? product : std::max(product, step.bias_format.fraction());
      const int shift =
          y.fraction - (step.bias.empty() ? product : std::min(product, step.bias_format.fraction()));
      if (y.fraction < least || shift > kMaxBits)
        fail(
            "integer network, {}: expected value '{}' to have {} bits of fraction or at most {} more than "
            "its "
            "terms, found {}",
            who, y.name, least, kMaxBits, y.fraction);
  }
}

}  // namespace

void check(const IntegerProgram& program) {
  const auto count = static_cast<int>(program.values.size());
  const auto value = [&](int v) -> const IntegerValue& {
    return program.values[static_cast<std::size_t>(v)];
  };
  std::vector<bool> written(program.values.size(), false);
  const auto write = [&](int v, std::string_view who) {
    if (v < 0 || v >= count) fail("integer network, {}: there is no value {}", who, v);
    if (written[static_cast<std::size_t>(v)])
      fail("integer network, {}: value '{}' is written twice", who, value(v).name);
    written[static_cast<std::size_t>(v)] = true;
  };
  if (program.inputs.empty()) fail("integer network: there is no input");
  for (const IntegerValue& v : program.values)
    if (v.features < 1 || v.ranges.size() != static_cast<std::size_t>(v.features))
      fail("integer network, value '{}': expected a range for each of {} features, found {}", v.name,
           v.features, v.ranges.size());
  for (const IntegerValue& v : program.values)
    if (v.fraction < -kMaxFraction || v.fraction > kMaxFraction)
      fail("integer network, value '{}': expected at most {} bits of fraction, found {}", v.name,
           kMaxFraction, v.fraction);
  for (const IntegerInput& input : program.inputs) {
    write(input.value, "input");
    if (value(input.value).features != program.input_features())
      fail("integer network, input '{}': expected {} features, found {}", value(input.value).name,
           program.input_features(), value(input.value).features);
    check_format(input.format, "input");
    check_fraction(input.format.fraction(), value(input.value), "input");
  }
  for (std::size_t s = 0; s < program.steps.size(); ++s) {
    const IntegerStep& step = program.steps[s];
    const std::string who = fmt::format("step {} ({})", s, operation_name(step.operation));
    if (step.inputs.size() != input_count(step.operation))
      fail("integer network, {}: expected {} inputs, found {}", who, input_count(step.operation),
           step.inputs.size());
    for (int input : step.inputs)
      if (input < 0 || input >= count || !written[static_cast<std::size_t>(input)])
        fail("integer network, {}: reads value {} before it is written", who, input);
    write(step.output, who);
    const auto in = static_cast<std::size_t>(value(step.inputs[0]).features);
    const auto out = static_cast<std::size_t>(value(step.output).features);
    const bool sums = step.operation == Operation::dense || step.operation == Operation::scale_shift;
    if (!sums) {
      for (int input : step.inputs)
        if (static_cast<std::size_t>(value(input).features) != out)
          fail("integer network, {}: expected {} features, found {}", who, out, value(input).features);
      if (step.operation == Operation::quantize) check_format(step.format, who);
      check_fractions(program, step, who);
      continue;
    }
    check_numbers(step.weights, step.weight_format, who);
    if (!step.bias.empty()) check_numbers(step.bias, step.bias_format, who);
    if (step.accumulator) check_format(*step.accumulator, who);
    check_fractions(program, step, who);
    const std::size_t weights = step.operation == Operation::dense ? in * out : out;
    if (step.weights.size() != weights || (step.operation == Operation::scale_shift && in != out))
      fail("integer network, {}: expected {} weights, found {}", who, weights, step.weights.size());
    if (!step.bias.empty() && step.bias.size() != out)
      fail("integer network, {}: expected {} offsets, found {}", who, out, step.bias.size());
    if (step.sum_widths.size() != (step.accumulator ? 0 : out))
      fail("integer network, {}: expected {} sum widths, found {}", who, step.accumulator ? 0 : out,
           step.sum_widths.size());
    // The casts of a given accumulator see products and sums of two of its numbers.
    if (step.accumulator) {
      int x_bits = 0;
      for (const Range& range : value(step.inputs[0]).ranges)
        x_bits = std::max(x_bits, signed_width(range) - 1);
      const int bits =
          std::max(x_bits + step.weight_format.magnitude_bits(), step.accumulator->magnitude_bits() + 1);
      if (bits > kMaxBits)
        fail("integer network, {}: an accumulator's casts need {} bits, expected at most {}", who, bits,
             kMaxBits);
    }
    for (int width : step.sum_widths)
      if (width < 1 || width > 63) fail("integer network, {}: a sum of {} bits, expected 1..63", who, width);
  }
  if (program.result < 0 || program.result >= count || !written[static_cast<std::size_t>(program.result)])
    fail("integer network: the result {} is never written", program.result);
}

std::string program_hash(const IntegerProgram& program) {
  Hash hash;
  for (const IntegerValue& value : program.values) {
    hash.add(value.features);
    hash.add(value.fraction);
  }
  for (const IntegerInput& input : program.inputs) {
    hash.add(input.value);
    hash.add(input.format);
  }
  for (const IntegerStep& step : program.steps) {
    hash.add(static_cast<std::int64_t>(step.operation));
    for (int input : step.inputs) hash.add(input);
    hash.add(step.output);
    hash.add(step.format);
    hash.add(step.weights);
    hash.add(step.bias);
    hash.add(step.weight_format);
    hash.add(step.bias_format);
    hash.add(step.accumulator ? 1 : 0);
    if (step.accumulator) hash.add(*step.accumulator);
    for (int width : step.sum_widths) hash.add(width);
  }
  hash.add(program.result);
  return hash.text();
}

}  // namespace jsc
