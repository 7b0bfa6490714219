#include "ops/leaky_relu.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void leaky_relu_forward(const Execution& execution, float slope, ConstMatrix x, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.leaky_relu_forward(n, slope, x.row(row) + begin, y.row(row) + begin);
  });
}

void leaky_relu_backward(const Execution& execution, float slope, ConstMatrix x, ConstMatrix d_y, Matrix d_x,
                         bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.leaky_relu_backward(n, slope, x.row(row) + begin, d_y.row(row) + begin, d_x.row(row) + begin,
                                accumulate);
  });
}

namespace {

struct LeakyReluStep {
  Variable x, y;
  float slope;

  void forward(Tape& tape) const {
    leaky_relu_forward(tape.execution(), slope, tape.value(x), tape.value(y));
  }
  void backward(Tape& tape) const {
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) leaky_relu_backward(tape.execution(), slope, tape.value(x), tape.d(y), d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable leaky_relu(Tape& tape, Variable x, float slope) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record("leaky_relu", y, LeakyReluStep{x, y, slope});
  return y;
}

}  // namespace jsc
