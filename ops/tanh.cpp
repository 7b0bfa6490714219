#include "ops/tanh.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void tanh_forward(const Execution& execution, ConstMatrix x, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.tanh_forward(n, x.row(row) + begin, y.row(row) + begin);
  });
}

void tanh_backward(const Execution& execution, ConstMatrix y, ConstMatrix d_y, Matrix d_x, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, y.rows, y.cols, [&](Index row, Index begin, Index n) {
    kernels.tanh_backward(n, y.row(row) + begin, d_y.row(row) + begin, d_x.row(row) + begin, accumulate);
  });
}

namespace {

struct TanhStep {
  Variable x, y;

  void forward(Tape& tape) const { tanh_forward(tape.execution(), tape.value(x), tape.value(y)); }
  void backward(Tape& tape) const {
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) tanh_backward(tape.execution(), tape.value(y), tape.d(y), d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable tanh(Tape& tape, Variable x) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record("tanh", y, TanhStep{x, y});
  return y;
}

}  // namespace jsc
