#include "ops/batch_norm.hpp"

#include <algorithm>
#include <cmath>

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {
namespace {

// A feature is one task: its statistics need all its samples. One block of samples is too little to share.
int feature_threads(const Execution& execution, Index samples) {
  return samples > kSampleBlock ? execution.threads : 1;
}

// Adds up partial(begin, n) over the blocks of samples, ascending.
template <class Partial>
float sum_blocks(Index samples, const Partial& partial) {
  float total = 0.0F;
  for (Index begin = 0; begin < samples; begin += kSampleBlock)
    total += partial(begin, std::min(kSampleBlock, samples - begin));
  return total;
}

float inverse_sqrt(float variance, float eps) {
  return 1.0F / std::sqrt(variance + eps);
}

struct GradientSums {
  float plain, centered;  // sum d_y, sum d_y·(x - mean)
};

GradientSums gradient_sums(const OpsKernels& kernels, Index samples, float mean, const float* x,
                           const float* d_y) {
  GradientSums total{0.0F, 0.0F};
  for (Index begin = 0; begin < samples; begin += kSampleBlock) {
    float sums[2];
    kernels.batch_norm_sums(std::min(kSampleBlock, samples - begin), mean, x + begin, d_y + begin, sums);
    total.plain += sums[0];
    total.centered += sums[1];
  }
  return total;
}

void deliver(Matrix d, Index feature, float share, bool accumulate) {
  if (d) d(0, feature) = accumulate ? d(0, feature) + share : share;
}

void deliver_affine(const BatchNormGradients& gradients, Index feature, GradientSums sums,
                    float inverse_deviation) {
  deliver(gradients.d_weight, feature, sums.centered * inverse_deviation, gradients.accumulate_weight);
  deliver(gradients.d_bias, feature, sums.plain, gradients.accumulate_bias);
}

}  // namespace

void batch_norm_train_forward(const Execution& execution, ConstMatrix x, const float* weight,
                              const float* bias, BatchNormBuffers buffers, float eps, float momentum,
                              float* mean, float* inverse_deviation, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const Index n = x.cols;
  const double keep = 1.0 - static_cast<double>(momentum), take = static_cast<double>(momentum);
  parallel_for(feature_threads(execution, n), x.rows, [&](Index f) {
    const float* row = x.row(f);
    const float total =
        sum_blocks(n, [&](Index begin, Index count) { return kernels.sum(count, row + begin); });
    const float m = total / static_cast<float>(n);
    const float squares = sum_blocks(
        n, [&](Index begin, Index count) { return kernels.sum_squared_deviations(count, m, row + begin); });
    const float r = inverse_sqrt(squares / static_cast<float>(n), eps);
    mean[f] = m;
    inverse_deviation[f] = r;
    kernels.normalize(n, m, weight != nullptr ? weight[f] * r : r, bias != nullptr ? bias[f] : 0.0F, row,
                      y.row(f));

    const double unbiased = static_cast<double>(squares) / static_cast<double>(n - 1);
    buffers.running_mean[f] = static_cast<float>(keep * static_cast<double>(buffers.running_mean[f]) +
                                                 take * static_cast<double>(m));
    buffers.running_var[f] =
        static_cast<float>(keep * static_cast<double>(buffers.running_var[f]) + take * unbiased);
  });
  ++*buffers.num_batches_tracked;
}

void batch_norm_train_backward(const Execution& execution, ConstMatrix x, const float* weight,
                               const float* mean, const float* inverse_deviation, ConstMatrix d_y,
                               const BatchNormGradients& gradients) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const Index n = x.cols;
  parallel_for(feature_threads(execution, n), x.rows, [&](Index f) {
    const float m = mean[f], r = inverse_deviation[f];
    const GradientSums sums = gradient_sums(kernels, n, m, x.row(f), d_y.row(f));
    deliver_affine(gradients, f, sums, r);
    if (!gradients.d_x) return;
    const float mean_d_y = sums.plain / static_cast<float>(n);
    const float slope = sums.centered / static_cast<float>(n) * r * r;
    kernels.batch_norm_backward(n, m, weight != nullptr ? weight[f] * r : r, mean_d_y, slope, x.row(f),
                                d_y.row(f), gradients.d_x.row(f), gradients.accumulate_x);
  });
}

void batch_norm_eval_forward(const Execution& execution, ConstMatrix x, const float* weight,
                             const float* bias, BatchNormBuffers buffers, float eps, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index f, Index begin, Index n) {
    const float r = inverse_sqrt(buffers.running_var[f], eps);
    const float alpha = weight != nullptr ? weight[f] * r : r;
    const float beta = std::fma(-buffers.running_mean[f], alpha, bias != nullptr ? bias[f] : 0.0F);
    kernels.affine(n, alpha, beta, x.row(f) + begin, y.row(f) + begin);
  });
}

void batch_norm_eval_backward(const Execution& execution, ConstMatrix x, const float* weight,
                              BatchNormBuffers buffers, float eps, ConstMatrix d_y,
                              const BatchNormGradients& gradients) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const Index n = x.cols;
  parallel_for(feature_threads(execution, n), x.rows, [&](Index f) {
    const float r = inverse_sqrt(buffers.running_var[f], eps);
    if (gradients.d_weight || gradients.d_bias)
      deliver_affine(gradients, f, gradient_sums(kernels, n, buffers.running_mean[f], x.row(f), d_y.row(f)),
                     r);
    if (gradients.d_x)
      kernels.scale(n, weight != nullptr ? weight[f] * r : r, d_y.row(f), gradients.d_x.row(f),
                    gradients.accumulate_x);
  });
}

namespace {

const float* data_or_null(const Tape& tape, Variable v) {
  return v ? tape.value(v).data : nullptr;
}

BatchNormGradients sinks(Tape& tape, Variable x, Variable weight, Variable bias) {
  const Tape::Sink none{{}, false};
  const Tape::Sink d_weight = weight ? tape.sink(weight) : none, d_bias = bias ? tape.sink(bias) : none;
  const Tape::Sink d_x = tape.sink(x);
  return {d_x.d, d_weight.d, d_bias.d, d_x.accumulate, d_weight.accumulate, d_bias.accumulate};
}

struct BatchNormTrainStep {
  Variable x, weight, bias, y;
  BatchNormBuffers buffers;
  float eps, momentum;
  float *mean, *inverse_deviation;

  void forward(Tape& tape) const {
    batch_norm_train_forward(tape.execution(), tape.value(x), data_or_null(tape, weight),
                             data_or_null(tape, bias), buffers, eps, momentum, mean, inverse_deviation,
                             tape.value(y));
  }
  void backward(Tape& tape) const {
    batch_norm_train_backward(tape.execution(), tape.value(x), data_or_null(tape, weight), mean,
                              inverse_deviation, tape.d(y), sinks(tape, x, weight, bias));
  }
};

struct BatchNormEvalStep {
  Variable x, weight, bias, y;
  BatchNormBuffers buffers;
  float eps;

  void forward(Tape& tape) const {
    batch_norm_eval_forward(tape.execution(), tape.value(x), data_or_null(tape, weight),
                            data_or_null(tape, bias), buffers, eps, tape.value(y));
  }
  void backward(Tape& tape) const {
    batch_norm_eval_backward(tape.execution(), tape.value(x), data_or_null(tape, weight), buffers, eps,
                             tape.d(y), sinks(tape, x, weight, bias));
  }
};

void check(const Tape& tape, Variable x, Variable weight, Variable bias, float eps) {
  const Index features = tape.value(x).rows;
  if (weight)
    require_shape("batch_norm", "weight", 1, features, tape.value(weight).rows, tape.value(weight).cols);
  if (bias) require_shape("batch_norm", "bias", 1, features, tape.value(bias).rows, tape.value(bias).cols);
  if (!(eps >= 0.0F)) fail("batch_norm, eps: expected 0 or more, found {}", eps);
}

}  // namespace

Variable batch_norm_train(Tape& tape, Variable x, Variable weight, Variable bias, BatchNormBuffers buffers,
                          float eps, float momentum) {
  check(tape, x, weight, bias, eps);
  const Matrix vx = tape.value(x);
  if (vx.cols < 2)
    fail("batch_norm, training: expected at least 2 samples in a batch (variance of one is 0), found {}",
         vx.cols);
  const Variable y = tape.output(vx.rows, vx.cols, {x, weight, bias});
  float* mean = tape.arena().array<float>(vx.rows);
  float* inverse_deviation = tape.arena().array<float>(vx.rows);
  tape.record("batch_norm", y,
              BatchNormTrainStep{x, weight, bias, y, buffers, eps, momentum, mean, inverse_deviation});
  return y;
}

Variable batch_norm_eval(Tape& tape, Variable x, Variable weight, Variable bias, BatchNormBuffers buffers,
                         float eps) {
  check(tape, x, weight, bias, eps);
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x, weight, bias});
  tape.record("batch_norm", y, BatchNormEvalStep{x, weight, bias, y, buffers, eps});
  return y;
}

}  // namespace jsc
