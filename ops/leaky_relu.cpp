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

  void forward(Tape& tape, SampleBlock block) const {
    leaky_relu_forward(tape.execution(), slope, columns(tape.value(x), block), columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      leaky_relu_backward(tape.execution(), slope, columns(tape.value(x), block), columns(tape.d(y), block),
                          columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable leaky_relu(Tape& tape, Variable x, float slope) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record_blocks("leaky_relu", y, tape.value(x).cols, {x}, {}, LeakyReluStep{x, y, slope});
  return y;
}

}  // namespace jsc
