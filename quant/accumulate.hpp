// Sums of products of quantized numbers, exactly: y = W x + b on the numbers of fixed-point formats.
//
// Three ways to the same integers, chosen by a bound on the bits of any partial sum (docs/quantization.md):
// float32 products where 24 bits hold every partial sum and its exponents reach (then any order is exact),
// int64 where 61 bits do, and where the user gives an accumulator format, hls4ml's order of casts
// (nnet_dense: each product is cast to the accumulator, then added to it with a cast). Where none fits, an
// Error says how many bits are missing.
#pragma once

#include <optional>
#include <string_view>

#include "engine/tape.hpp"
#include "quant/exact.hpp"
#include "quant/fixed/format.hpp"

namespace jsc {

struct SumFormats {
  fixed::Format data;
  fixed::Format weight;
  std::optional<fixed::Format> bias;
  std::optional<fixed::Format> accumulator;  // none: exact
};

enum class SumMethod { float32, int64, accumulator };

struct SumPlan {
  SumMethod method;
  int fraction;  // of the sum: of the products or the bias, whichever has more; the accumulator's if given
  int bits;      // that hold |any partial sum| of raw products and bias, aligned to `fraction`
};

// `terms` products in each sum. Throws Error naming `where` if 61 bits do not hold them.
SumPlan plan_sum(const SumFormats& formats, Index terms, std::string_view where);

// One sum for each of n samples: sum[i] = bias + sum over k of weights[k] * x[k * x_stride + i], by the
// plan's method (int64 or accumulator) and aligned to its fraction. `scratch` holds n.
void sum_products(Isa isa, const SumPlan& plan, const SumFormats& formats, Index terms,
                  const std::int64_t* weights, const std::int64_t* x, Index x_stride, std::int64_t bias,
                  Index n, std::int64_t* sum, std::int64_t* scratch);

// The integers of a fake-quantized variable, made from its floats in each forward pass unless it has them.
class ExactOperand {
 public:
  ExactOperand() = default;
  ExactOperand(Tape& tape, Variable v, int fraction);
  void update(const Tape& tape) const;
  const std::int64_t* raw() const { return raw_; }  // [rows][stride] as the variable

 private:
  Variable variable_;
  int fraction_ = 0;
  std::int64_t* raw_ = nullptr;
  bool convert_ = false;
};

// The integers of sums, beside the floats of the variable that they are rounded to.
class ExactSums {
 public:
  ExactSums() = default;
  ExactSums(Tape& tape, Variable y, const SumFormats& formats, const SumPlan& plan);
  void row(Tape& tape, Variable y, Index row, Index terms, const std::int64_t* weights, const std::int64_t* x,
           Index x_stride, std::int64_t bias) const;
  const std::int64_t* raw() const { return raw_; }

 private:
  SumFormats formats_;
  SumPlan plan_;
  std::int64_t* raw_ = nullptr;
  std::int64_t* scratch_ = nullptr;
};

// y[out][batch] = weight[out][in] x[in][batch] + bias[1][out]; bias may be {}. All inputs are fake-quantized
// variables. y is annotated as "PATH.sum", with its integers unless float32 is exact. Gradients are those of
// ops/linear.hpp on the quantized numbers (straight-through).
Variable exact_linear(Tape& tape, Variable x, Variable weight, Variable bias, const SumFormats& formats,
                      std::string_view path);

}  // namespace jsc
