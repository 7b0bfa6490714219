#include "quant/accumulate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ops/linear.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"
#include "quant/kernels/cast_rows.hpp"
#include "quant/kernels/integer_kernels.hpp"

namespace jsc {

namespace {

int bits_of_count(Index n) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));  // ceil(log2 n)
}

}  // namespace

SumPlan plan_sum(const SumFormats& formats, Index terms, std::string_view where) {
  const int product_fraction = formats.data.fraction() + formats.weight.fraction();
  const int product_bits = formats.data.magnitude_bits() + formats.weight.magnitude_bits();
  if (formats.accumulator) {
    // Casts are made from the exact product and from the exact sum of two accumulators.
    const int aligned = product_bits + std::max(0, formats.accumulator->fraction() - product_fraction);
    const int widest = std::max(aligned, formats.accumulator->magnitude_bits() + 1);
    if (widest >= kExactBits - 1)
      fail(
          "{}: accum {} and products of {} and {} bits with {} of fraction need {} bits, expected at most {}",
          where, fixed::to_string(*formats.accumulator), formats.data.width, formats.weight.width,
          product_fraction, widest, kExactBits - 2);
    return {SumMethod::accumulator, formats.accumulator->fraction(), widest};
  }
  const int fraction = std::max(product_fraction, formats.bias ? formats.bias->fraction() : product_fraction);
  int bits = product_bits + bits_of_count(terms) + fraction - product_fraction;
  if (formats.bias)
    bits = std::max(bits, formats.bias->magnitude_bits() + fraction - formats.bias->fraction()) + 1;
  if (bits >= kExactBits - 1)
    fail(
        "{}: {} products of {} and {} bits (with the bias, binary points aligned) need {} bits, expected at "
        "most {}",
        where, terms, formats.data.width, formats.weight.width, bits, kExactBits - 2);
  return {fits_float(bits, fraction) ? SumMethod::float32 : SumMethod::int64, fraction, bits};
}

void sum_products(Isa isa, const SumPlan& plan, const SumFormats& formats, Index terms,
                  const std::int64_t* weights, const std::int64_t* x, Index x_stride, std::int64_t bias,
                  Index n, std::int64_t* sum, std::int64_t* scratch) {
  const int product_fraction = formats.data.fraction() + formats.weight.fraction();
  if (plan.method == SumMethod::accumulator) {
    const fixed::Format& accumulator = *formats.accumulator;
    const IntegerKernelsOf<std::int64_t>& kernels = integer_kernels(isa).wide;
    const std::int64_t start =
        formats.bias ? static_cast<std::int64_t>(fixed::cast(bias, formats.bias->fraction(), accumulator))
                     : 0;
    std::fill_n(sum, n, start);
    for (Index k = 0; k < terms; ++k) {
      const std::int64_t w = weights[k];
      kernels.scale(n, w, x + k * x_stride, scratch);
      cast_row(isa, n, scratch, product_fraction, accumulator, scratch);
      kernels.add(n, sum, scratch, sum);
      cast_row(isa, n, sum, accumulator.fraction(), accumulator, sum);
    }
    return;
  }
  const int align = plan.fraction - product_fraction;
  const std::int64_t start =
      formats.bias ? bias * (std::int64_t{1} << (plan.fraction - formats.bias->fraction())) : 0;
  std::fill_n(sum, n, start);
  for (Index k = 0; k < terms; ++k) {
    const std::int64_t w = weights[k] * (std::int64_t{1} << align);
    const std::int64_t* xs = x + k * x_stride;
    for (Index i = 0; i < n; ++i) sum[i] += w * xs[i];
  }
}

ExactOperand::ExactOperand(Tape& tape, Variable v, int fraction) : variable_(v), fraction_(fraction) {
  const ExactView known = exact_view(tape, v);
  if (known.raw) {
    JSC_ASSERT(known.fraction == fraction);
    raw_ = known.raw;
  } else {
    raw_ = make_exact(tape, v, fraction).raw;
    convert_ = true;
  }
}

void ExactOperand::update(const Tape& tape) const {
  if (!convert_) return;
  const Matrix value = tape.value(variable_);
  const double scale = std::ldexp(1.0, fraction_);
  for (Index r = 0; r < value.rows; ++r)
    for (Index c = 0; c < value.cols; ++c) {
      const float v = value(r, c);
      raw_[r * value.stride + c] = std::isnan(v) ? 0 : static_cast<std::int64_t>(v * scale);
    }
}

ExactSums::ExactSums(Tape& tape, Variable y, const SumFormats& formats, const SumPlan& plan)
    : formats_(formats), plan_(plan) {
  const Matrix value = tape.value(y);
  raw_ = make_exact(tape, y, plan.fraction).raw;
  scratch_ = tape.arena().array<std::int64_t>(value.stride);
}

void ExactSums::row(Tape& tape, Variable y, Index row, Index terms, const std::int64_t* weights,
                    const std::int64_t* x, Index x_stride, std::int64_t bias) const {
  const Matrix value = tape.value(y);
  std::int64_t* sum = raw_ + row * value.stride;
  sum_products(tape.execution().isa, plan_, formats_, terms, weights, x, x_stride, bias, value.cols, sum,
               scratch_);
  const double scale = std::ldexp(1.0, -plan_.fraction);
  // One rounding: int64 to float, then a scaling that is exact within float32's range of exponents.
  for (Index c = 0; c < value.cols; ++c)
    value(row, c) = static_cast<float>(static_cast<float>(sum[c]) * scale);
}

namespace {

// The backward pass is that of ops/linear.hpp, on the quantized operands.
struct ExactLinearStep {
  Variable x, weight, bias, y;
  ExactOperand exact_x, exact_weight, exact_bias;
  ExactSums sums;

  void forward(Tape& tape) const {
    exact_x.update(tape);
    exact_weight.update(tape);
    if (bias) exact_bias.update(tape);
    const Matrix vx = tape.value(x), w = tape.value(weight);
    for (Index o = 0; o < w.rows; ++o)
      sums.row(tape, y, o, w.cols, exact_weight.raw() + o * w.stride, exact_x.raw(), vx.stride,
               bias ? exact_bias.raw()[o] : 0);
  }

  void backward(Tape& tape) const {
    const Execution& execution = tape.execution();
    const ConstMatrix d_y = tape.d(y);
    const Tape::Sink d_weight = tape.sink(weight);
    if (d_weight.d) linear_backward_weight(execution, tape.value(x), d_y, d_weight.d, d_weight.accumulate);
    if (bias) {
      const Tape::Sink d_bias = tape.sink(bias);
      if (d_bias.d) linear_backward_bias(execution, d_y, d_bias.d, d_bias.accumulate);
    }
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) linear_backward_input(execution, tape.value(weight), d_y, d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable exact_linear(Tape& tape, Variable x, Variable weight, Variable bias, const SumFormats& formats,
                      std::string_view path) {
  const SumPlan plan = plan_sum(formats, tape.value(weight).cols, path);
  const std::string label = std::string(path) + ".sum";
  if (plan.method == SumMethod::float32) {
    const Variable y = linear(tape, x, weight, bias);
    tape.annotate({y, label});
    return y;
  }
  const Variable y = tape.output(tape.value(weight).rows, tape.value(x).cols, {x, weight, bias});
  const ExactSums sums(tape, y, formats, plan);
  const ExactOperand exact_bias = bias ? ExactOperand(tape, bias, formats.bias->fraction()) : ExactOperand();
  tape.record("exact_linear", y,
              ExactLinearStep{x, weight, bias, y, ExactOperand(tape, x, formats.data.fraction()),
                              ExactOperand(tape, weight, formats.weight.fraction()), exact_bias, sums});
  tape.annotate({y, label, sums.raw(), plan.fraction});
  return y;
}

}  // namespace jsc
