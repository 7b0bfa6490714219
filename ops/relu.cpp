#include "ops/relu.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void relu_forward(const Execution& execution, ConstMatrix x, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.relu_forward(n, x.row(row) + begin, y.row(row) + begin);
  });
}

void relu_backward(const Execution& execution, ConstMatrix x, ConstMatrix d_y, Matrix d_x, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.relu_backward(n, x.row(row) + begin, d_y.row(row) + begin, d_x.row(row) + begin, accumulate);
  });
}

namespace {

struct ReluStep {
  Variable x, y;

  void forward(Tape& tape) const { relu_forward(tape.execution(), tape.value(x), tape.value(y)); }
  void backward(Tape& tape) const {
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) relu_backward(tape.execution(), tape.value(x), tape.d(y), d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable relu(Tape& tape, Variable x) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record("relu", y, ReluStep{x, y});
  return y;
}

}  // namespace jsc
