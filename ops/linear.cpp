#include "ops/linear.hpp"

#include <algorithm>

#include "engine/gemm.hpp"
#include "ops/batch_norm.hpp"
#include "ops/kernels/ops_kernels.hpp"
#include "ops/relu.hpp"
#include "ops/rows.hpp"

namespace jsc {

void linear_forward(const Execution& execution, const ConstMatrix& x, const ConstMatrix& weight,
                    const ConstMatrix& bias, const Matrix& y, bool relu) {
  gemm_forward(execution, weight, bias.data, x, y, relu);
}

void linear_backward_input(const Execution& execution, const ConstMatrix& weight, const ConstMatrix& d_y,
                           const Matrix& d_x, bool accumulate) {
  gemm_backward_input(execution, weight, d_y, d_x, accumulate);
}

void linear_backward_weight(const Execution& execution, const ConstMatrix& x, const ConstMatrix& d_y,
                            const Matrix& d_weight, bool accumulate) {
  gemm_backward_weight(execution, d_y, x, d_weight, accumulate);
}

void linear_backward_bias(const Execution& execution, const ConstMatrix& d_y, const Matrix& d_bias,
                          bool accumulate) {
  row_sums(execution, d_y, d_bias.data, accumulate);
}

namespace {

const Matrix kNone{};

Matrix value_or_none(const Tape& tape, Variable v) {
  return v ? tape.value(v) : kNone;
}

// Every block's share of d_weight and d_bias is kept until all are there, and added up in ascending order:
// the order of the reduction of all samples at once (engine/threads.hpp).
struct LinearStep {
  enum { kX, kWeight, kBias };  // the sinks
  Variable x, weight, bias, y;
  float* shares;  // [block][out · in, then out]; null where no weight needs a gradient
  Index share_size;
  bool relu;
  Matrix d_sum;  // with relu: the gradient before it

  void forward(Tape& tape, SampleBlock block) const {
    linear_forward(tape.execution(), columns(tape.value(x), block), tape.value(weight),
                   value_or_none(tape, bias), columns(tape.value(y), block), relu);
  }

  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const ConstMatrix vx = columns(tape.value(x), block);
    ConstMatrix d_y = columns(tape.d(y), block);
    if (relu) {  // y > 0 exactly where the sum is
      relu_backward(tape.execution(), columns(tape.value(y), block), d_y, columns(d_sum, block), false);
      d_y = columns(d_sum, block);
    }
    float* share = shares + block.number * share_size;
    const Matrix w = tape.value(weight);
    if (sinks[kWeight].d)
      linear_backward_weight(tape.execution(), vx, d_y, {share, w.rows, w.cols, w.cols}, false);
    if (sinks[kBias].d)
      linear_backward_bias(tape.execution(), d_y, {share + w.size(), 1, w.rows, w.rows}, false);
    const Tape::Sink& d_x = sinks[kX];
    if (d_x.d) linear_backward_input(tape.execution(), w, d_y, columns(d_x.d, block), d_x.accumulate);
  }
  void finish_backward(Tape& tape, Tape::Sinks sinks) const {
    const Index blocks = block_count(tape.value(y).cols), weights = tape.value(weight).size();
    if (sinks[kWeight].d) deliver(tape.execution(), shares, blocks, sinks[kWeight]);
    if (sinks[kBias].d) deliver(tape.execution(), shares + weights, blocks, sinks[kBias]);
  }
  void deliver(const Execution& execution, const float* from, Index blocks, const Tape::Sink& to) const {
    const OpsKernels& kernels = ops_kernels(execution.isa);
    const bool dense = to.d.stride == to.d.cols;
    const Index rows = dense ? 1 : to.d.rows, count = dense ? to.d.size() : to.d.cols;
    for (Index r = 0; r < rows; ++r)
      kernels.add_up(count, blocks, from + r * count, share_size, to.d.row(r), to.accumulate);
  }
};

struct LinearBatchNormReluStep {
  Variable x, weight, bias, y;
  BatchNormLayer norm;
  float* ends;  // [out][3]: bias, alpha, beta

  void begin_forward(Tape& tape) const {
    const Index out = tape.value(y).rows;
    const float* b = value_or_none(tape, bias).data;
    for (Index o = 0; o < out; ++o) ends[3 * o] = b != nullptr ? b[o] : 0.0F;
    batch_norm_alpha_beta(out, value_or_none(tape, norm.weight).data, value_or_none(tape, norm.bias).data,
                          norm.buffers, norm.eps, ends + 1, ends + 2, 3);
  }
  void forward(Tape& tape, SampleBlock block) const {
    gemm_forward_normalized(tape.execution(), tape.value(weight), ends, columns(tape.value(x), block),
                            columns(tape.value(y), block));
  }
};

// For layers whose weights are so many that a copy of them for each block would cost more than it saves, and
// for OpenBLAS: products of all samples at once, shared between the threads by engine/gemm.hpp.
struct WideLinearStep {
  Variable x, weight, bias, y;

  void forward(Tape& tape) const {
    linear_forward(tape.execution(), tape.value(x), tape.value(weight), value_or_none(tape, bias),
                   tape.value(y));
  }
  void backward(Tape& tape) const {
    const ConstMatrix d_y = tape.d(y);
    const Tape::Sink d_weight = tape.sink(weight);
    if (d_weight.d)
      linear_backward_weight(tape.execution(), tape.value(x), d_y, d_weight.d, d_weight.accumulate);
    if (bias) {
      const Tape::Sink d_bias = tape.sink(bias);
      if (d_bias.d) linear_backward_bias(tape.execution(), d_y, d_bias.d, d_bias.accumulate);
    }
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) linear_backward_input(tape.execution(), tape.value(weight), d_y, d_x.d, d_x.accumulate);
  }
};

constexpr Index kWideWeights = 128 * 128;  // 64 KiB

void check(const Tape& tape, Variable x, Variable weight, Variable bias) {
  const Matrix vx = tape.value(x), w = tape.value(weight);
  if (w.cols != vx.rows)
    fail("linear, weight '{}': expected {} columns (the input's features), found {} x {}", tape.name(weight),
         vx.rows, w.rows, w.cols);
  if (vx.stride % kLanes != 0)
    fail("linear, input '{}': expected rows padded to {} floats (an activation), found a stride of {}",
         tape.name(x), kLanes, vx.stride);
  if (bias) require_shape("linear", "bias", 1, w.rows, tape.value(bias).rows, tape.value(bias).cols);
}

}  // namespace

Variable linear(Tape& tape, Variable x, Variable weight, Variable bias, bool relu) {
  check(tape, x, weight, bias);
  const Matrix vx = tape.value(x), w = tape.value(weight);
  const Variable y = tape.output(w.rows, vx.cols, {x, weight, bias});
  if (w.size() > kWideWeights) {
    tape.record("linear", y, WideLinearStep{x, weight, bias, y});
    return relu ? jsc::relu(tape, y) : y;
  }
  const Index share_size = w.size() + w.rows;
  float* shares =
      tape.needs_gradient(y) ? tape.arena().array<float>(share_size * block_count(vx.cols)) : nullptr;
  const Matrix d_sum = relu && tape.needs_gradient(y) ? tape.activation(w.rows, vx.cols) : Matrix{};
  tape.record_blocks(relu ? "linear_relu" : "linear", y, vx.cols, {x}, {weight, bias},
                     LinearStep{x, weight, bias, y, shares, share_size, relu, d_sum});
  return y;
}

Variable linear_batch_norm_relu(Tape& tape, Variable x, Variable weight, Variable bias,
                                const BatchNormLayer& norm) {
  check(tape, x, weight, bias);
  const Matrix vx = tape.value(x), w = tape.value(weight);
  if (w.size() > kWideWeights || std::max(w.rows, w.cols) > kMostNormalized)
    return batch_norm_eval(tape, linear(tape, x, weight, bias), norm, true);
  require_features(tape, norm, w.rows);
  const Variable y = tape.output(w.rows, vx.cols, {x, weight, bias, norm.weight, norm.bias});
  tape.record_blocks(
      "linear_batch_norm_relu", y, vx.cols, {x}, {weight, bias, norm.weight, norm.bias},
      LinearBatchNormReluStep{x, weight, bias, y, norm, tape.arena().array<float>(3 * w.rows)});
  return y;
}

}  // namespace jsc
