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

  void forward(Tape& tape, SampleBlock block) const {
    tanh_forward(tape.execution(), columns(tape.value(x), block), columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      tanh_backward(tape.execution(), columns(tape.value(y), block), columns(tape.d(y), block),
                    columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable tanh(Tape& tape, Variable x) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record_blocks("tanh", y, tape.value(x).cols, {x}, {}, TanhStep{x, y});
  return y;
}

}  // namespace jsc
