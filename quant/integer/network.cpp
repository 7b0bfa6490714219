#include "quant/integer/network.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/kernels/cast_rows.hpp"
#include "quant/kernels/integer_kernels.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

// Numbers up to 2^kNarrowBits leave int32 room for rounding (cast_rows.hpp).
constexpr int kNarrowBits = 30;

// Bits of the largest magnitude that can stand in each value, by the widths of registers (not by proven
// ranges, so that a program with a fault in it is run just as well).
std::vector<int> register_bits(const IntegerProgram& program) {
  std::vector<int> bits(program.values.size(), 0);
  const auto of = [&](int v) -> int& { return bits[static_cast<std::size_t>(v)]; };
  for (const IntegerInput& input : program.inputs) of(input.value) = input.format.magnitude_bits();
  for (const IntegerStep& step : program.steps) {
    const int a = of(step.inputs.front()), b = of(step.inputs.back());
    switch (step.operation) {
      case Operation::quantize:
        of(step.output) = step.format.magnitude_bits();
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
        of(step.output) = step.accumulator ? step.accumulator->magnitude_bits()
                                           : *std::ranges::max_element(step.sum_widths) - 1;
        break;
    }
  }
  return bits;
}

template <class T>
const IntegerKernelsOf<T>& kernels_for(Isa isa) {
  if constexpr (sizeof(T) == 4)
    return integer_kernels(isa).narrow;
  else
    return integer_kernels(isa).wide;
}

// The network's float input as integers: rows of `stride`.
template <class T>
void quantize_input(Isa isa, ConstMatrix x, const IntegerInput& input, T* to, Index stride) {
  const fixed::Format& format = input.format;
  const bool plain = format.rounding == fixed::Rounding::rnd_conv &&
                     format.overflow == fixed::Overflow::sat && format.width <= 21 &&
                     format.fraction() > -100 && format.fraction() < 100;
  if (!plain) return quantize_to_raw(x, format, to, stride);
  for (Index f = 0; f < x.rows; ++f)
    kernels_for<T>(isa).quantize(x.cols, x.row(f), std::ldexp(1.0F, format.fraction()),
                                 static_cast<T>(format.min_raw()), static_cast<T>(format.max_raw()),
                                 to + f * stride);
}

// What can stand in the registers of a step's input.
Range register_range(const IntegerProgram& program, int value) {
  for (const IntegerInput& input : program.inputs)
    if (input.value == value) return full_range(input.format);
  for (const IntegerStep& step : program.steps)
    if (step.output == value && step.operation == Operation::quantize) return full_range(step.format);
  const std::int64_t magnitude = std::int64_t{1} << register_bits(program)[static_cast<std::size_t>(value)];
  return {-magnitude, magnitude};
}

bool within(std::int64_t lo, std::int64_t hi, Range range) {
  return lo >= range.lo && hi <= range.hi;
}

// The fused accumulators that the kernels have (AccumulateArguments).
template <class T>
std::optional<CastPlan<T>> fused_cast(const IntegerStep& step, int product_fraction) {
  if (!step.accumulator) return std::nullopt;
  const fixed::Format& format = *step.accumulator;
  using fixed::Overflow;
  using fixed::Rounding;
  const int shift = product_fraction - format.fraction();
  const bool rounds = format.rounding == Rounding::trn || format.rounding == Rounding::rnd ||
                      format.rounding == Rounding::rnd_conv;
  const bool wraps = format.overflow == Overflow::wrap && format.saturated_bits == 0 && format.is_signed;
  if (shift < 0 || shift > 8 * static_cast<int>(sizeof(T)) - 4 || !rounds ||
      !(wraps || format.overflow == Overflow::sat))
    return std::nullopt;
  return CastPlan<T>{shift,
                     format.rounding,
                     format.overflow,
                     format.is_signed,
                     8 * static_cast<int>(sizeof(T)) - format.width,
                     static_cast<T>(format.min_raw()),
                     static_cast<T>(format.max_raw())};
}

// raw 2^by modulo 2^bits: a shift by as many bits as T has, or more, leaves 0.
template <class T>
T aligned(std::int64_t raw, int by) {
  return static_cast<T>(by < 64 ? static_cast<std::uint64_t>(raw) << by : 0);
}

bool fits_int32(const IntegerProgram& program) {
  const std::vector<int> bits = register_bits(program);
  if (std::ranges::max(bits) > kNarrowBits) return false;
  for (const IntegerStep& step : program.steps) {
    if (step.weight_format.width > kNarrowBits || step.bias_format.width > kNarrowBits) return false;
    // Casts see the products themselves and the sum of two accumulators.
    if (step.accumulator &&
        (bits[static_cast<std::size_t>(step.inputs[0])] + step.weight_format.magnitude_bits() > kNarrowBits ||
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
      laid.weights = make_aligned<T>(static_cast<Index>(step.weights.size()));
      for (std::size_t i = 0; i < step.weights.size(); ++i)
        laid.weights[i] = aligned<T>(step.weights[i], align);
      laid.bias = make_aligned<T>(out.features);
      for (std::size_t i = 0; i < step.bias.size(); ++i) laid.bias[i] = aligned<T>(step.bias[i], align_bias);
      if (step.accumulator && !step.bias.empty()) {
        std::vector<std::int64_t> start(step.bias);
        cast_row(Isa::portable, out.features, start.data(), step.bias_format.fraction(), *step.accumulator,
                 start.data());
        for (std::size_t i = 0; i < start.size(); ++i) laid.bias[i] = static_cast<T>(start[i]);
      }
    }
    if constexpr (sizeof(T) == 4) {
      laid.bytes = lay_out_dots(step, 4);
      laid.shorts = lay_out_dots(step, 2);
    }
    laid.product = fused_cast<T>(step, in.fraction + step.weight_format.fraction());
    layout.steps.push_back(std::move(laid));
  }
  return layout;
}

IntegerNetwork::Dots IntegerNetwork::lay_out_dots(const IntegerStep& step, int per_word) const {
  if (step.operation != Operation::dense || step.accumulator) return {};
  const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
  const IntegerValue& out = program_.values[static_cast<std::size_t>(step.output)];
  const int bits = 32 / per_word;
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  const auto [lo, hi] = std::minmax_element(step.weights.begin(), step.weights.end());
  const Range x = register_range(program_, step.inputs[0]);
  if (!within(*lo, *hi, {-half, half - 1})) return {};
  Dots dots;
  if (per_word == 4) {  // unsigned by signed
    if (within(x.lo, x.hi, {-half, half - 1}) && x.lo < 0)
      dots.offset = static_cast<int>(half);
    else if (!within(x.lo, x.hi, {0, 2 * half - 1}))
      return {};
  } else if (!within(x.lo, x.hi, {-half, half - 1})) {
    return {};
  }
  dots.groups = (in.features + per_word - 1) / per_word;
  dots.align = out.fraction - in.fraction - step.weight_format.fraction();
  if (dots.align > 31) return {};
  dots.weights = make_aligned<std::int32_t>(out.features * dots.groups);
  dots.bias = make_aligned<std::int32_t>(out.features);
  for (Index o = 0; o < out.features; ++o) {
    std::int64_t sum = 0;
    for (Index k = 0; k < in.features; ++k) {
      const std::int64_t weight = step.weights[static_cast<std::size_t>(o * in.features + k)];
      const auto field = static_cast<std::uint32_t>(weight) & (per_word == 4 ? 0xffU : 0xffffU);
      std::int32_t& word = dots.weights[o * dots.groups + k / per_word];
      word = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) | field << (bits * (k % per_word)));
      sum += weight;
    }
    // Modulo 2^32, as the kernels' sums.
    auto bias = aligned<std::uint32_t>(-sum * dots.offset, dots.align);
    if (!step.bias.empty())
      bias += aligned<std::uint32_t>(step.bias[static_cast<std::size_t>(o)],
                                     out.fraction - step.bias_format.fraction());
    dots.bias[o] = static_cast<std::int32_t>(bias);
  }
  return dots;
}

bool IntegerNetwork::run_dots(const IntegerKernels& kernels, const StepLayout<std::int32_t>& laid,
                              const IntegerStep& step, Index samples,
                              Workspace::Values<std::int32_t>& values) const {
  const Index in = program_.values[static_cast<std::size_t>(step.inputs[0])].features;
  const Index out = program_.values[static_cast<std::size_t>(step.output)].features;
  const std::int32_t* x = values.of[static_cast<std::size_t>(step.inputs[0])];
  std::int32_t* packed = values.scratch.get();
  const auto arguments = [&](const Dots& dots) {
    return DotArguments{out,
                        dots.groups,
                        dots.weights.get(),
                        dots.bias.get(),
                        step.sum_widths.data(),
                        packed,
                        values.stride,
                        values.of[static_cast<std::size_t>(step.output)],
                        values.stride,
                        samples,
                        dots.align};
  };
  if (laid.bytes.weights && kernels.dot_bytes != nullptr) {
    kernels.pack_bytes(in, samples, x, values.stride, laid.bytes.offset, packed, values.stride);
    kernels.dot_bytes(arguments(laid.bytes));
    return true;
  }
  if (laid.shorts.weights && kernels.dot_shorts != nullptr) {
    kernels.pack_shorts(in, samples, x, values.stride, packed, values.stride);
    kernels.dot_shorts(arguments(laid.shorts));
    return true;
  }
  return false;
}

IntegerNetwork::Workspace::Workspace(const IntegerNetwork& network) {
  const auto allocate = [&]<class T>(Values<T> values) {
    Index total = 0;
    for (const IntegerValue& value : network.program_.values) total += value.features * kStride;
    values.memory = make_aligned<T>(total);
    // A row of products, or the packed input of a dense layer.
    Index widest = 2;
    for (const IntegerValue& value : network.program_.values) widest = std::max(widest, value.features);
    values.scratch = make_aligned<T>((widest + 1) / 2 * kStride);
    values.stride = kStride;
    T* next = values.memory.get();
    for (const IntegerValue& value : network.program_.values) {
      values.of.push_back(next);
      next += value.features * kStride;
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
          std::copy_n(from + f * values.stride, samples, to + f * stride);
      },
      values_);
}

std::int64_t IntegerNetwork::Workspace::at(int value, Index feature, Index sample) const {
  return std::visit(
      [&](const auto& values) {
        return static_cast<std::int64_t>(
            values.of[static_cast<std::size_t>(value)][feature * values.stride + sample]);
      },
      values_);
}

template <class T>
void IntegerNetwork::run_steps(Isa isa, Index samples, const Layout<T>& layout,
                               Workspace::Values<T>& values) const {
  const IntegerKernelsOf<T>* kernels = &kernels_for<T>(isa);
  const Index stride = values.stride;
  for (std::size_t s = 0; s < program_.steps.size(); ++s) {
    const IntegerStep& step = program_.steps[s];
    const StepLayout<T>& laid = layout.steps[s];
    const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
    const Index features = program_.values[static_cast<std::size_t>(step.output)].features;
    const T* a = values.of[static_cast<std::size_t>(step.inputs.front())];
    const T* b = values.of[static_cast<std::size_t>(step.inputs.back())];
    T* y = values.of[static_cast<std::size_t>(step.output)];
    const auto accumulate = [&](Index f, Index terms, const T* x) {
      T* sum = y + f * stride;
      T* product = values.scratch.get();
      std::fill_n(sum, samples, laid.bias[f]);
      const int product_fraction = in.fraction + step.weight_format.fraction();
      for (Index k = 0; k < terms; ++k) {
        kernels->scale(samples, laid.weights[f * terms + k], x + k * stride, product);
        cast_row(isa, samples, product, product_fraction, *step.accumulator, product);
        kernels->add(samples, sum, product, sum);
        cast_row(isa, samples, sum, step.accumulator->fraction(), *step.accumulator, sum);
      }
    };
    if constexpr (sizeof(T) == 4)
      if (step.operation == Operation::dense && run_dots(integer_kernels(isa), laid, step, samples, values))
        continue;
    if (step.operation == Operation::dense && laid.product) {
      kernels->accumulate({features, in.features, laid.weights.get(), laid.bias.get(), a, stride, y, stride,
                           samples, *laid.product});
      continue;
    }
    if (step.operation == Operation::dense && !step.accumulator) {
      kernels->dense({features, in.features, laid.weights.get(), laid.bias.get(), step.sum_widths.data(), a,
                      stride, y, stride, samples});
      continue;
    }
    // Rows lie one after the other: one long row to what treats every number alike.
    const bool whole = step.operation != Operation::dense && step.operation != Operation::scale_shift;
    const Index rows = whole ? 1 : features;
    const Index n = whole ? (features - 1) * stride + samples : samples;
    for (Index f = 0; f < rows; ++f) {
      const T* row_a = a + f * stride;
      const T* row_b = b + f * stride;
      T* row_y = y + f * stride;
      switch (step.operation) {
        case Operation::quantize:
          cast_row(isa, n, row_a, in.fraction, step.format, row_y);
          break;
        case Operation::relu:
          kernels->relu(n, row_a, row_y);
          break;
        case Operation::add:
          kernels->add(n, row_a, row_b, row_y);
          break;
        case Operation::sub:
          kernels->sub(n, row_a, row_b, row_y);
          break;
        case Operation::mul:
          kernels->mul(n, row_a, row_b, row_y);
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
        values.stride = stride_for(x.cols);
        for (const IntegerInput& input : program_.inputs)
          quantize_input(isa, x, input, values.of[static_cast<std::size_t>(input.value)], values.stride);
        run_steps(isa, x.cols, std::get<Layout<T>>(layout_), values);
      },
      workspace.values_);
}

void IntegerNetwork::run(Isa isa, Index samples, const std::int64_t* const* inputs, Index stride,
                         Workspace& workspace) const {
  if (samples > kBlock) fail("integer network: expected at most {} samples, found {}", kBlock, samples);
  std::visit(
      [&]<class T>(Workspace::Values<T>& values) {
        values.stride = stride_for(samples);
        for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
          T* to = values.of[static_cast<std::size_t>(program_.inputs[i].value)];
          for (Index f = 0; f < program_.input_features(); ++f)
            for (Index s = 0; s < samples; ++s)
              to[f * values.stride + s] = static_cast<T>(inputs[i][f * stride + s]);
        }
        run_steps(isa, samples, std::get<Layout<T>>(layout_), values);
      },
      workspace.values_);
}

void IntegerNetwork::argmax(Isa isa, const Workspace& workspace, Index samples, std::int32_t* classes) const {
  const Index rows = program_.result_features();
  std::visit(
      [&]<class T>(const Workspace::Values<T>& values) {
        kernels_for<T>(isa).argmax(rows, samples, values.of[static_cast<std::size_t>(program_.result)],
                                   values.stride, classes);
      },
      workspace.values_);
}

}  // namespace jsc
