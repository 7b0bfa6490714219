#include "ops/mse.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

float mse_forward(const Execution& execution, ConstMatrix y, ConstMatrix target, float* block_sums) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_block(execution.threads, y.cols, [&](Index block, Index begin, Index end) {
    float sum = 0.0F;
    for (Index row = 0; row < y.rows; ++row)
      sum += kernels.sum_squared_differences(end - begin, y.row(row) + begin, target.row(row) + begin);
    block_sums[block] = sum;
  });
  double total = 0.0;
  for (Index block = 0; block < block_count(y.cols); ++block) total += static_cast<double>(block_sums[block]);
  return static_cast<float>(total / static_cast<double>(y.size()));
}

void mse_backward(const Execution& execution, float sign, ConstMatrix y, ConstMatrix target, float d_loss,
                  Matrix d, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const float factor = sign * d_loss * 2.0F / static_cast<float>(y.size());
  for_each_row(execution, y.rows, y.cols, [&](Index row, Index begin, Index n) {
    kernels.mse_backward(n, factor, y.row(row) + begin, target.row(row) + begin, d.row(row) + begin,
                         accumulate);
  });
}

namespace {

struct MseStep {
  Variable y, target, loss;
  float* block_sums;

  void forward(Tape& tape) const {
    tape.value(loss)(0, 0) = mse_forward(tape.execution(), tape.value(y), tape.value(target), block_sums);
  }
  void backward(Tape& tape) const {
    push(tape, 1.0F, y);
    push(tape, -1.0F, target);
  }
  void push(Tape& tape, float sign, Variable to) const {
    const Tape::Sink d = tape.sink(to);
    if (d.d)
      mse_backward(tape.execution(), sign, tape.value(y), tape.value(target), tape.d(loss)(0, 0), d.d,
                   d.accumulate);
  }
};

}  // namespace

Variable mse(Tape& tape, Variable y, Variable target) {
  require_same_shape("mse", "target", tape.value(y), tape.value(target));
  const Variable loss = tape.output(1, 1, {y, target});
  float* block_sums = tape.arena().array<float>(block_count(tape.value(y).cols));
  tape.record("mse", loss, MseStep{y, target, loss, block_sums});
  return loss;
}

}  // namespace jsc
