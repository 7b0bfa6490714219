#include "ops/batch_norm.hpp"

#include <cmath>

#include "ops/rows.hpp"

namespace jsc {
namespace {

float inverse_sqrt(float variance, float eps) {
  return 1.0F / std::sqrt(variance + eps);
}

void deliver(const Tape::Sink& sink, Index feature, float share) {
  if (sink.d) sink.d(0, feature) = sink.accumulate ? sink.d(0, feature) + share : share;
}

}  // namespace

Index batch_norm_moments_size(Index features, Index samples) {
  return 2 * features * block_count(samples);
}

void batch_norm_moments(const Execution& execution, const ConstMatrix& x, SampleBlock block, float* moments) {
  float* sums = moments + 2 * x.rows * block.number;
  ops_kernels(execution.isa)
      .moments(x.rows, block.count(), columns(x, block).data, x.stride, sums, sums + x.rows);
}

void batch_norm_statistics(Index features, Index samples, const float* moments, BatchNormBuffers buffers,
                           float eps, float momentum, float* mean, float* inverse_deviation) {
  const auto n = static_cast<float>(samples);
  const Index blocks = block_count(samples);
  float* const squares = inverse_deviation;  // until the end
  for (Index f = 0; f < features; ++f) {
    const auto sum = [&](Index b) { return moments[2 * features * b + f]; };
    float total = sum(0);
    for (Index b = 1; b < blocks; ++b) total += sum(b);
    const float m = total / n;
    float square = blocks == 1 ? moments[features + f] : 0.0F;
    for (Index b = 0; blocks > 1 && b < blocks; ++b) {
      const auto count = static_cast<float>(sample_block(b, samples).count());
      const float offset = sum(b) / count - m;
      square += moments[2 * features * b + features + f] + count * offset * offset;
    }
    mean[f] = m;
    squares[f] = square;
  }
  const double take = static_cast<double>(momentum), keep = 1.0 - take;
  const auto run = [keep, take](float before, double now) {
    return static_cast<float>(keep * static_cast<double>(before) + take * now);
  };
  for (Index f = 0; f < features; ++f)
    buffers.running_mean[f] = run(buffers.running_mean[f], static_cast<double>(mean[f]));
  const auto unbiased = static_cast<double>(samples - 1);
  for (Index f = 0; f < features; ++f)
    buffers.running_var[f] = run(buffers.running_var[f], static_cast<double>(squares[f]) / unbiased);
  for (Index f = 0; f < features; ++f) inverse_deviation[f] = inverse_sqrt(squares[f] / n, eps);
  ++*buffers.num_batches_tracked;
}

void batch_norm_normalize(const Execution& execution, const NormalizeRows& norm, const ConstMatrix& x,
                          const Matrix& y) {
  ops_kernels(execution.isa).normalize(x.rows, x.cols, norm, x.data, x.stride, y.data, y.stride);
}

void batch_norm_gradient_sums(const Execution& execution, const NormalizeRows& norm, const ConstMatrix& x,
                              const ConstMatrix& d_y, float* sums) {
  ops_kernels(execution.isa)
      .batch_norm_sums(x.rows, x.cols, norm, x.data, x.stride, d_y.data, d_y.stride, sums, sums + x.rows);
}

void batch_norm_backward(const Execution& execution, const NormalizeRows& norm, const float* mean_d,
                         const float* slope, const ConstMatrix& x, const ConstMatrix& d_y, const Matrix& d_x,
                         bool accumulate) {
  ops_kernels(execution.isa)
      .batch_norm_backward(x.rows, x.cols, norm, mean_d, slope, x.data, x.stride, d_y.data, d_y.stride,
                           d_x.data, d_x.stride, accumulate);
}

void batch_norm_alpha_beta(Index features, const float* weight, const float* bias, BatchNormBuffers buffers,
                           float eps, float* alpha, float* beta, Index step) {
  for (Index f = 0; f < features; ++f, alpha += step, beta += step) {
    const float r = inverse_sqrt(buffers.running_var[f], eps);
    *alpha = weight != nullptr ? weight[f] * r : r;
    *beta = std::fma(-buffers.running_mean[f], *alpha, bias != nullptr ? bias[f] : 0.0F);
  }
}

void batch_norm_eval_forward(const Execution& execution, const float* alpha, const float* beta, bool relu,
                             const ConstMatrix& x, const Matrix& y) {
  ops_kernels(execution.isa).affine(x.rows, x.cols, alpha, beta, relu, x.data, x.stride, y.data, y.stride);
}

namespace {

const float* data_or_null(const Tape& tape, Variable v) {
  return v ? tape.value(v).data : nullptr;
}

// Sums over the blocks, ascending.
float total(const float* block_sums, Index blocks, Index distance) {
  float sum = block_sums[0];
  for (Index b = 1; b < blocks; ++b) sum += block_sums[b * distance];
  return sum;
}

// The sinks of both steps.
enum Input { kX, kWeight, kBias };

struct BatchNormTrainStep {
  Variable x, y;
  BatchNormLayer layer;
  float momentum;
  bool relu;
  float* block_sums;                                         // [block][2][features], of either direction
  float *mean, *inverse_deviation, *scale, *mean_d, *slope;  // [features]

  NormalizeRows norm(const Tape& tape) const { return {mean, scale, data_or_null(tape, layer.bias), relu}; }

  void sum_forward(Tape& tape, SampleBlock block) const {
    batch_norm_moments(tape.execution(), tape.value(x), block, block_sums);
  }
  void combine_forward(Tape& tape) const {
    const Matrix v = tape.value(x);
    batch_norm_statistics(v.rows, v.cols, block_sums, layer.buffers, layer.eps, momentum, mean,
                          inverse_deviation);
    const float* w = data_or_null(tape, layer.weight);
    for (Index f = 0; f < v.rows; ++f)
      scale[f] = w != nullptr ? w[f] * inverse_deviation[f] : inverse_deviation[f];
  }
  void forward(Tape& tape, SampleBlock block) const {
    batch_norm_normalize(tape.execution(), norm(tape), columns(tape.value(x), block),
                         columns(tape.value(y), block));
  }

  void sum_backward(Tape& tape, Tape::Sinks, SampleBlock block) const {
    const Matrix v = tape.value(x);
    batch_norm_gradient_sums(tape.execution(), norm(tape), columns(v, block), columns(tape.d(y), block),
                             block_sums + 2 * v.rows * block.number);
  }
  void combine_backward(Tape& tape, Tape::Sinks sinks) const {
    const Index features = tape.value(x).rows, samples = tape.value(x).cols, blocks = block_count(samples);
    const auto n = static_cast<float>(samples);
    for (Index f = 0; f < features; ++f) {
      const float r = inverse_deviation[f];
      const float plain = total(block_sums + f, blocks, 2 * features);
      const float centered = total(block_sums + features + f, blocks, 2 * features);
      deliver(sinks[kWeight], f, centered * r);
      deliver(sinks[kBias], f, plain);
      mean_d[f] = plain / n;
      slope[f] = centered / n * r * r;
    }
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    if (sinks[kX].d)
      batch_norm_backward(tape.execution(), norm(tape), mean_d, slope, columns(tape.value(x), block),
                          columns(tape.d(y), block), columns(sinks[kX].d, block), sinks[kX].accumulate);
  }
};

struct BatchNormEvalStep {
  Variable x, y;
  BatchNormLayer layer;
  bool relu;
  float *alpha, *beta;  // [features]
  float* block_sums;    // [block][2][features] of the backward direction

  NormalizeRows rows() const { return {layer.buffers.running_mean, alpha, nullptr, false}; }

  void begin_forward(Tape& tape) const {
    batch_norm_alpha_beta(tape.value(x).rows, data_or_null(tape, layer.weight),
                          data_or_null(tape, layer.bias), layer.buffers, layer.eps, alpha, beta);
  }
  void forward(Tape& tape, SampleBlock block) const {
    batch_norm_eval_forward(tape.execution(), alpha, beta, relu, columns(tape.value(x), block),
                            columns(tape.value(y), block));
  }

  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const ConstMatrix v = columns(tape.value(x), block), d_y = columns(tape.d(y), block);
    if (sinks[kWeight].d || sinks[kBias].d)
      batch_norm_gradient_sums(tape.execution(), rows(), v, d_y, block_sums + 2 * v.rows * block.number);
    if (!sinks[kX].d) return;
    const Matrix d_x = columns(sinks[kX].d, block);
    const OpsKernels& kernels = ops_kernels(tape.execution().isa);
    for (Index f = 0; f < v.rows; ++f)
      kernels.scale(v.cols, alpha[f], d_y.row(f), d_x.row(f), sinks[kX].accumulate);
  }
  void finish_backward(Tape& tape, Tape::Sinks sinks) const {
    const Index features = tape.value(x).rows, blocks = block_count(tape.value(x).cols);
    if (!sinks[kWeight].d && !sinks[kBias].d) return;
    for (Index f = 0; f < features; ++f) {
      deliver(sinks[kWeight], f,
              total(block_sums + features + f, blocks, 2 * features) *
                  inverse_sqrt(layer.buffers.running_var[f], layer.eps));
      deliver(sinks[kBias], f, total(block_sums + f, blocks, 2 * features));
    }
  }
};

}  // namespace

void require_features(const Tape& tape, const BatchNormLayer& layer, Index features) {
  const auto require = [&](const char* name, Variable v) {
    if (v) require_shape("batch_norm", name, 1, features, tape.value(v).rows, tape.value(v).cols);
  };
  require("weight", layer.weight);
  require("bias", layer.bias);
  if (!(layer.eps >= 0.0F)) fail("batch_norm, eps: expected 0 or more, found {}", layer.eps);
}

Variable batch_norm_train(Tape& tape, Variable x, const BatchNormLayer& layer, float momentum, bool relu) {
  const Matrix v = tape.value(x);
  require_features(tape, layer, v.rows);
  if (v.cols < 2)
    fail("batch_norm, training: expected at least 2 samples in a batch (variance of one is 0), found {}",
         v.cols);
  const Variable y = tape.output(v.rows, v.cols, {x, layer.weight, layer.bias});
  Arena& arena = tape.arena();
  const auto numbers = [&] { return arena.array<float>(v.rows); };
  float* block_sums = arena.array<float>(batch_norm_moments_size(v.rows, v.cols));
  tape.record_blocks(relu ? "batch_norm_relu" : "batch_norm", y, v.cols, {x}, {layer.weight, layer.bias},
                     BatchNormTrainStep{x, y, layer, momentum, relu, block_sums, numbers(), numbers(),
                                        numbers(), numbers(), numbers()});
  return y;
}

Variable batch_norm_eval(Tape& tape, Variable x, const BatchNormLayer& layer, bool relu) {
  const Matrix v = tape.value(x);
  require_features(tape, layer, v.rows);
  const Variable y = tape.output(v.rows, v.cols, {x, layer.weight, layer.bias});
  if (relu && tape.needs_gradient(y))
    fail("batch_norm, evaluation: with a ReLU it has no gradient; record relu() after it");
  Arena& arena = tape.arena();
  float* block_sums =
      tape.needs_gradient(y) ? arena.array<float>(batch_norm_moments_size(v.rows, v.cols)) : nullptr;
  float* alpha = arena.array<float>(v.rows);
  float* beta = arena.array<float>(v.rows);
  tape.record_blocks(relu ? "batch_norm_relu" : "batch_norm", y, v.cols, {x}, {layer.weight, layer.bias},
                     BatchNormEvalStep{x, y, layer, relu, alpha, beta, block_sums});
  return y;
}

}  // namespace jsc
