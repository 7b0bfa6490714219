#include "quant/integer/network.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "quant/kernels/cast_rows.hpp"
#include "quant/kernels/integer_kernels.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

// Numbers below 2^kNarrowBits leave int32 room for rounding (cast_rows.hpp).
constexpr int kNarrowBits = 30;

int magnitude_bits(const fixed::Format& format) {
  return format.is_signed ? format.width - 1 : format.width;
}

// Bits of the largest magnitude that can stand in each value, by the widths of registers (not by proven
// ranges, so that a program with a fault in it is run just as well).
std::vector<int> register_bits(const IntegerProgram& program) {
  std::vector<int> bits(program.values.size(), 0);
  const auto of = [&](int v) -> int& { return bits[static_cast<std::size_t>(v)]; };
  for (const IntegerInput& input : program.inputs) of(input.value) = magnitude_bits(input.format);
  for (const IntegerStep& step : program.steps) {
    const int a = of(step.inputs.front()), b = of(step.inputs.back());
    switch (step.operation) {
      case Operation::quantize:
        of(step.output) = magnitude_bits(step.format);
        break;
      case Operation::relu:
        of(step.output) = a;
        break;
      case Operation::add:
      case Operation::sub:
        of(step.output) = std::max(a, b) + 1;
        break;
      case Operation::mul:
        of(step.output) = a + b;
        break;
      case Operation::dense:
      case Operation::scale_shift:
        of(step.output) = step.accumulator ? magnitude_bits(*step.accumulator)
                                           : *std::ranges::max_element(step.sum_widths) - 1;
        break;
    }
  }
  return bits;
}

bool fits_int32(const IntegerProgram& program) {
  const std::vector<int> bits = register_bits(program);
  if (std::ranges::max(bits) > kNarrowBits) return false;
  for (const IntegerStep& step : program.steps) {
    if (step.weight_format.width > kNarrowBits || step.bias_format.width > kNarrowBits) return false;
    // Casts see the products themselves and the sum of two accumulators.
    if (step.accumulator &&
        (bits[static_cast<std::size_t>(step.inputs[0])] + step.weight_format.width > kNarrowBits ||
         step.accumulator->width >= kNarrowBits))
      return false;
  }
  return true;
}

}  // namespace

IntegerNetwork::IntegerNetwork(IntegerProgram program) : program_(std::move(program)) {
  check(program_);
  if (fits_int32(program_))
    layout_ = lay_out<std::int32_t>();
  else
    layout_ = lay_out<std::int64_t>();
}

template <class T>
IntegerNetwork::Layout<T> IntegerNetwork::lay_out() const {
  Layout<T> layout;
  for (const IntegerStep& step : program_.steps) {
    StepLayout<T> laid;
    const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
    const IntegerValue& out = program_.values[static_cast<std::size_t>(step.output)];
    if (step.operation == Operation::dense || step.operation == Operation::scale_shift) {
      // Exact sums are aligned to the output's fraction; modulo 2^bits nothing is lost (integer_kernels.hpp).
      const int product_fraction = in.fraction + step.weight_format.fraction();
      const int align = step.accumulator ? 0 : out.fraction - product_fraction;
      const int align_bias = step.accumulator ? 0 : out.fraction - step.bias_format.fraction();
      const auto aligned = [](std::int64_t raw, int by) {
        return static_cast<T>(by < 64 ? static_cast<std::uint64_t>(raw) << by : 0);
      };
      laid.weights = make_aligned<T>(static_cast<Index>(step.weights.size()));
      for (std::size_t i = 0; i < step.weights.size(); ++i) laid.weights[i] = aligned(step.weights[i], align);
      laid.bias = make_aligned<T>(out.features);
      for (std::size_t i = 0; i < step.bias.size(); ++i) laid.bias[i] = aligned(step.bias[i], align_bias);
      if (step.accumulator && !step.bias.empty()) {
        std::vector<std::int64_t> start(step.bias);
        cast_row(Isa::portable, out.features, start.data(), step.bias_format.fraction(), *step.accumulator,
                 start.data());
        for (std::size_t i = 0; i < start.size(); ++i) laid.bias[i] = static_cast<T>(start[i]);
      }
    }
    layout.steps.push_back(std::move(laid));
  }
  return layout;
}

IntegerNetwork::Workspace::Workspace(const IntegerNetwork& network) {
  const auto allocate = [&]<class T>(Values<T> values) {
    Index total = 0;
    for (const IntegerValue& value : network.program_.values) total += value.features * kBlock;
    values.memory = make_aligned<T>(total);
    values.scratch = make_aligned<T>(kBlock);
    T* next = values.memory.get();
    for (const IntegerValue& value : network.program_.values) {
      values.of.push_back(next);
      next += value.features * kBlock;
      features_.push_back(value.features);
    }
    values_ = std::move(values);
  };
  if (network.word_bits() == 32)
    allocate(Values<std::int32_t>());
  else
    allocate(Values<std::int64_t>());
}

void IntegerNetwork::Workspace::read(int value, Index samples, std::int64_t* to, Index stride) const {
  std::visit(
      [&](const auto& values) {
        const auto* from = values.of[static_cast<std::size_t>(value)];
        for (Index f = 0; f < features_[static_cast<std::size_t>(value)]; ++f)
          std::copy_n(from + f * kBlock, samples, to + f * stride);
      },
      values_);
}

std::int64_t IntegerNetwork::Workspace::at(int value, Index feature, Index sample) const {
  return std::visit(
      [&](const auto& values) {
        return static_cast<std::int64_t>(
            values.of[static_cast<std::size_t>(value)][feature * kBlock + sample]);
      },
      values_);
}

template <class T>
void IntegerNetwork::run_steps(Isa isa, Index samples, const Layout<T>& layout,
                               Workspace::Values<T>& values) const {
  const IntegerKernelsOf<T>* kernels;
  if constexpr (sizeof(T) == 4)
    kernels = &integer_kernels(isa).narrow;
  else
    kernels = &integer_kernels(isa).wide;
  for (std::size_t s = 0; s < program_.steps.size(); ++s) {
    const IntegerStep& step = program_.steps[s];
    const StepLayout<T>& laid = layout.steps[s];
    const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
    const Index features = program_.values[static_cast<std::size_t>(step.output)].features;
    const T* a = values.of[static_cast<std::size_t>(step.inputs.front())];
    const T* b = values.of[static_cast<std::size_t>(step.inputs.back())];
    T* y = values.of[static_cast<std::size_t>(step.output)];
    const auto accumulate = [&](Index f, Index terms, const T* x) {
      T* sum = y + f * kBlock;
      T* product = values.scratch.get();
      std::fill_n(sum, samples, laid.bias[f]);
      const int product_fraction = in.fraction + step.weight_format.fraction();
      for (Index k = 0; k < terms; ++k) {
        kernels->scale(samples, laid.weights[f * terms + k], x + k * kBlock, product);
        cast_row(isa, samples, product, product_fraction, *step.accumulator, product);
        kernels->add(samples, sum, product, sum);
        cast_row(isa, samples, sum, step.accumulator->fraction(), *step.accumulator, sum);
      }
    };
    if (step.operation == Operation::dense && !step.accumulator) {
      kernels->dense({features, in.features, laid.weights.get(), laid.bias.get(), step.sum_widths.data(), a,
                      kBlock, y, kBlock, samples});
      continue;
    }
    for (Index f = 0; f < features; ++f) {
      const T* row_a = a + f * kBlock;
      const T* row_b = b + f * kBlock;
      T* row_y = y + f * kBlock;
      switch (step.operation) {
        case Operation::quantize:
          cast_row(isa, samples, row_a, in.fraction, step.format, row_y);
          break;
        case Operation::relu:
          kernels->relu(samples, row_a, row_y);
          break;
        case Operation::add:
          kernels->add(samples, row_a, row_b, row_y);
          break;
        case Operation::sub:
          kernels->sub(samples, row_a, row_b, row_y);
          break;
        case Operation::mul:
          kernels->mul(samples, row_a, row_b, row_y);
          break;
        case Operation::dense:
          accumulate(f, in.features, a);
          break;
        case Operation::scale_shift:
          if (step.accumulator)
            accumulate(f, 1, row_a);
          else
            kernels->scale_shift(samples, laid.weights[f], laid.bias[f],
                                 step.sum_widths[static_cast<std::size_t>(f)], row_a, row_y);
          break;
      }
    }
  }
}

void IntegerNetwork::run(Isa isa, ConstMatrix x, Workspace& workspace) const {
  if (x.rows != program_.input_features() || x.cols > kBlock)
    fail("integer network: expected {} features and at most {} samples, found {} and {}",
         program_.input_features(), kBlock, x.rows, x.cols);
  std::visit(
      [&]<class T>(Workspace::Values<T>& values) {
        for (const IntegerInput& input : program_.inputs)
          quantize_to_raw(x, input.format, values.of[static_cast<std::size_t>(input.value)], kBlock);
        run_steps(isa, x.cols, std::get<Layout<T>>(layout_), values);
      },
      workspace.values_);
}

void IntegerNetwork::run(Isa isa, Index samples, const std::int64_t* const* inputs, Index stride,
                         Workspace& workspace) const {
  std::visit(
      [&]<class T>(Workspace::Values<T>& values) {
        for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
          T* to = values.of[static_cast<std::size_t>(program_.inputs[i].value)];
          for (Index f = 0; f < program_.input_features(); ++f)
            for (Index s = 0; s < samples; ++s)
              to[f * kBlock + s] = static_cast<T>(inputs[i][f * stride + s]);
        }
        run_steps(isa, samples, std::get<Layout<T>>(layout_), values);
      },
      workspace.values_);
}

void IntegerNetwork::argmax(const Workspace& workspace, Index samples, std::int32_t* classes) const {
  std::visit(
      [&](const auto& values) {
        const auto* logits = values.of[static_cast<std::size_t>(program_.result)];
        const Index n = program_.values[static_cast<std::size_t>(program_.result)].features;
        for (Index s = 0; s < samples; ++s) {
          Index best = 0;
          for (Index c = 1; c < n; ++c)
            if (logits[c * kBlock + s] > logits[best * kBlock + s]) best = c;
          classes[s] = static_cast<std::int32_t>(best);
        }
      },
      workspace.values_);
}

}  // namespace jsc
