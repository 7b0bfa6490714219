#include "quant/integer/reference.hpp"

#include "quant/fixed/narrow_cast.hpp"

namespace jsc {

namespace {

using fixed::Wide;

// What stands in registers of 64 bits, and is read back from them as a signed number.
std::uint64_t bits_of(std::int64_t raw) {
  return static_cast<std::uint64_t>(raw);
}

// w[0] x[0] + ... + w[terms - 1] x[terms - 1] + bias, aligned to `fraction`, in a register of `width` bits.
// The sum is taken modulo 2^64, of which the register keeps the low bits.
std::int64_t exact_sum(const IntegerStep& step, std::size_t neuron, const std::int64_t* weights,
                       std::int64_t terms, const std::int64_t* x, int product_fraction, int fraction) {
  std::uint64_t products = 0;
  for (std::int64_t k = 0; k < terms; ++k) products += bits_of(weights[k]) * bits_of(x[k]);
  std::uint64_t sum = products << (fraction - product_fraction);
  if (!step.bias.empty()) sum += bits_of(step.bias[neuron]) << (fraction - step.bias_format.fraction());
  return static_cast<std::int64_t>(fixed::wrap_to(static_cast<Wide>(sum), step.sum_widths[neuron], true));
}

// hls4ml's order of casts (nnet_dense, docs/quantization.md). Products and sums fit 62 bits (check()), so the
// casts may be the narrow ones.
std::int64_t accumulated_sum(const IntegerStep& step, std::size_t neuron, const std::int64_t* weights,
                             std::int64_t terms, const std::int64_t* x, int product_fraction) {
  const fixed::NarrowCast cast_product(product_fraction, *step.accumulator);
  const fixed::NarrowCast cast_sum(step.accumulator->fraction(), *step.accumulator);
  std::int64_t sum = 0;
  if (!step.bias.empty())
    sum = fixed::NarrowCast(step.bias_format.fraction(), *step.accumulator)(step.bias[neuron]);
  for (std::int64_t k = 0; k < terms; ++k) sum = cast_sum(sum + cast_product(weights[k] * x[k]));
  return sum;
}

// One sample: a and b are its inputs' features, y its output's.
void run_step(const IntegerProgram& program, const IntegerStep& step, const std::int64_t* a,
              const std::int64_t* b, std::int64_t* y) {
  const IntegerValue& in = program.values[static_cast<std::size_t>(step.inputs[0])];
  const IntegerValue& out = program.values[static_cast<std::size_t>(step.output)];
  const fixed::NarrowCast cast(in.fraction, step.format);
  for (std::int64_t f = 0; f < out.features; ++f) {
    switch (step.operation) {
      case Operation::quantize:
        y[f] = cast(a[f]);
        break;
      case Operation::relu:
        y[f] = a[f] > 0 ? a[f] : 0;
        break;
      case Operation::add:
        y[f] = a[f] + b[f];
        break;
      case Operation::sub:
        y[f] = a[f] - b[f];
        break;
      case Operation::mul:
        y[f] = a[f] * b[f];
        break;
      case Operation::dense:
      case Operation::scale_shift: {
        const bool dense = step.operation == Operation::dense;
        const std::int64_t terms = dense ? in.features : 1;
        const std::int64_t* x = dense ? a : a + f;
        const std::int64_t* weights = step.weights.data() + f * terms;
        const int product_fraction = in.fraction + step.weight_format.fraction();
        const auto neuron = static_cast<std::size_t>(f);
        y[f] = step.accumulator ? accumulated_sum(step, neuron, weights, terms, x, product_fraction)
                                : exact_sum(step, neuron, weights, terms, x, product_fraction, out.fraction);
        break;
      }
    }
  }
}

}  // namespace

void run_reference(const IntegerProgram& program, std::int64_t samples, std::int64_t* const* values) {
  const auto at = [&](int value, std::int64_t sample) {
    return values[value] + sample * program.values[static_cast<std::size_t>(value)].features;
  };
  for (std::int64_t i = 0; i < samples; ++i)
    for (const IntegerStep& step : program.steps)
      run_step(program, step, at(step.inputs.front(), i), at(step.inputs.back(), i), at(step.output, i));
}

}  // namespace jsc
