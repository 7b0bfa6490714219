#include "quant/scale_shift.hpp"

#include <algorithm>

#include "engine/threads.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc {

namespace {

float at(const Tape& tape, Variable v, Index f, float otherwise) {
  return v ? tape.value(v).data[f] : otherwise;
}

void deliver(const Tape::Sink& sink, Index f, float d) {
  if (sink.d) sink.d.data[f] = sink.accumulate ? sink.d.data[f] + d : d;
}

// alpha and beta come from one computation: the step of beta does it for both, forward and backward.
struct ConstantsStep {
  BatchNormSource source;
  Variable alpha, beta;
  float *mean, *deviation;  // the latter inverse
  float* moments;           // scratch of the batch's statistics

  void forward(Tape& tape) const {
    const Matrix x = tape.value(source.x);
    if (source.batch_statistics) {
      for_each_block(tape.execution().threads, x.cols, [&](Index number, Index, Index) {
        batch_norm_moments(tape.execution(), x, sample_block(number, x.cols), moments);
      });
      batch_norm_statistics(x.rows, x.cols, moments, source.buffers, source.eps, source.momentum, mean,
                            deviation);
    }
    for (Index f = 0; f < x.rows; ++f) {
      if (!source.batch_statistics) {
        mean[f] = source.buffers.running_mean[f];
        deviation[f] = inverse_deviation(source.buffers.running_var[f], source.eps);
      }
      const auto [a, b] = scale_and_offset(at(tape, source.weight, f, 1.0F), at(tape, source.bias, f, 0.0F),
                                           mean[f], deviation[f]);
      tape.value(alpha).data[f] = a;
      tape.value(beta).data[f] = b;
    }
  }

  void backward(Tape& tape) const {
    const Matrix x = tape.value(source.x);
    const ConstMatrix d_beta = tape.d(beta), d_alpha = tape.d(alpha);
    const Tape::Sink none{{}, false};
    const Tape::Sink d_weight = source.weight ? tape.sink(source.weight) : none;
    const Tape::Sink d_bias = source.bias ? tape.sink(source.bias) : none;
    const Tape::Sink d_x = source.batch_statistics ? tape.sink(source.x) : none;
    const auto n = static_cast<float>(x.cols);
    for (Index f = 0; f < x.rows; ++f) {
      const float w = at(tape, source.weight, f, 1.0F), r = deviation[f], m = mean[f];
      const float g = d_alpha.data[f] - m * d_beta.data[f];
      deliver(d_bias, f, d_beta.data[f]);
      deliver(d_weight, f, r * g);
      if (!d_x.d) continue;
      const float slope = -w * r * r * r * g / n, offset = -w * r * d_beta.data[f] / n;
      const float* in = x.row(f);
      float* out = d_x.d.row(f);
      for (Index c = 0; c < x.cols; ++c) {
        const float d = slope * (in[c] - m) + offset;
        out[c] = d_x.accumulate ? out[c] + d : d;
      }
    }
  }
};

// alpha's own step: its value was computed with beta's.
struct AlphaStep {
  void forward(Tape&) const {}
  void backward(Tape&) const {}
};

struct ScaleShiftStep {
  Variable x, alpha, beta, y;
  bool exact;  // by integers
  ExactOperand exact_x, exact_alpha, exact_beta;
  ExactSums sums;

  void forward(Tape& tape) const {
    const Matrix vx = tape.value(x), vy = tape.value(y);
    const float *a = tape.value(alpha).data, *b = tape.value(beta).data;
    if (!exact) {
      for_each_block(tape.execution().threads, vx.cols, [&](Index, Index begin, Index end) {
        for (Index f = 0; f < vx.rows; ++f)
          for (Index c = begin; c < end; ++c) vy.row(f)[c] = vx.row(f)[c] * a[f] + b[f];
      });
      return;
    }
    exact_x.update(tape);
    exact_alpha.update(tape);
    exact_beta.update(tape);
    for (Index f = 0; f < vx.rows; ++f)
      sums.row(tape, y, f, 1, exact_alpha.raw() + f, exact_x.raw() + f * vx.stride, vx.stride,
               exact_beta.raw()[f]);
  }

  void backward(Tape& tape) const {
    const OpsKernels& kernels = ops_kernels(tape.execution().isa);
    const Matrix vx = tape.value(x);
    const ConstMatrix d_y = tape.d(y);
    const Tape::Sink d_alpha = tape.sink(alpha), d_beta = tape.sink(beta), d_x = tape.sink(x);
    const float* a = tape.value(alpha).data;
    for (Index f = 0; f < vx.rows; ++f) {
      float plain = 0, product = 0;
      for (Index begin = 0; begin < vx.cols; begin += kSampleBlock) {
        float sums_of_block[2];  // sum d_y, sum d_y (x - 0)
        const float zero = 0.0F;
        kernels.batch_norm_sums(1, std::min(kSampleBlock, vx.cols - begin), {&zero, &zero, nullptr, false},
                                vx.row(f) + begin, vx.stride, d_y.row(f) + begin, d_y.stride, sums_of_block,
                                sums_of_block + 1);
        plain += sums_of_block[0];
        product += sums_of_block[1];
      }
      deliver(d_alpha, f, product);
      deliver(d_beta, f, plain);
      if (d_x.d) kernels.scale(vx.cols, a[f], d_y.row(f), d_x.d.row(f), d_x.accumulate);
    }
  }
};

}  // namespace

std::pair<Variable, Variable> batch_norm_constants(Tape& tape, const BatchNormSource& source) {
  const Matrix x = tape.value(source.x);
  if (source.batch_statistics && x.cols < 2)
    fail("batch_norm, training: expected at least 2 samples in a batch (variance of one is 0), found {}",
         x.cols);
  const Variable alpha = tape.output(1, x.rows, {source.x, source.weight, source.bias});
  const Variable beta = tape.output(1, x.rows, {source.x, source.weight, source.bias});
  float* mean = tape.arena().array<float>(x.rows);
  float* deviation = tape.arena().array<float>(x.rows);
  float* moments =
      source.batch_statistics ? tape.arena().array<float>(batch_norm_moments_size(x.rows, x.cols)) : nullptr;
  tape.record("batch_norm_constants", beta, ConstantsStep{source, alpha, beta, mean, deviation, moments});
  tape.record("batch_norm_constants", alpha, AlphaStep{});
  return {alpha, beta};
}

Variable scale_shift(Tape& tape, Variable x, Variable alpha, Variable beta) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x, alpha, beta});
  tape.record("scale_shift", y, ScaleShiftStep{x, alpha, beta, y, false, {}, {}, {}, {}});
  return y;
}

Variable exact_scale_shift(Tape& tape, Variable x, Variable alpha, Variable beta, const SumFormats& formats,
                           std::string_view path) {
  const Matrix vx = tape.value(x);
  const SumPlan plan = plan_sum(formats, 1, path);
  const Variable y = tape.output(vx.rows, vx.cols, {x, alpha, beta});
  ScaleShiftStep step{x, alpha, beta, y, plan.method != SumMethod::float32, {}, {}, {}, {}};
  if (step.exact) {
    step.exact_x = ExactOperand(tape, x, formats.data.fraction());
    step.exact_alpha = ExactOperand(tape, alpha, formats.weight.fraction());
    step.exact_beta = ExactOperand(tape, beta, formats.bias->fraction());
    step.sums = ExactSums(tape, y, formats, plan);
  }
  tape.record("exact_scale_shift", y, step);
  tape.annotate({y, std::string(path) + ".sum", step.exact ? step.sums.raw() : nullptr, plan.fraction});
  return y;
}

}  // namespace jsc
