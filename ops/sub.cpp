#include "ops/sub.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void sub_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, y.rows, y.cols, [&](Index row, Index begin, Index n) {
    kernels.subtract(n, a.row(row) + begin, b.row(row) + begin, y.row(row) + begin);
  });
}

void sub_backward(const Execution& execution, float sign, ConstMatrix d_y, Matrix d, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, d.rows, d.cols, [&](Index row, Index begin, Index n) {
    kernels.scale(n, sign, d_y.row(row) + begin, d.row(row) + begin, accumulate);
  });
}

namespace {

struct SubStep {
  Variable a, b, y;

  void forward(Tape& tape, SampleBlock block) const {
    sub_forward(tape.execution(), columns(tape.value(a), block), columns(tape.value(b), block),
                columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const ConstMatrix d_y = columns(tape.d(y), block);
    const Tape::Sink &d_a = sinks[0], &d_b = sinks[1];
    if (d_a.d) sub_backward(tape.execution(), 1.0F, d_y, columns(d_a.d, block), d_a.accumulate);
    if (d_b.d) sub_backward(tape.execution(), -1.0F, d_y, columns(d_b.d, block), d_b.accumulate);
  }
};

}  // namespace

Variable sub(Tape& tape, Variable a, Variable b) {
  require_same_shape("sub", "second operand", tape.value(a), tape.value(b));
  const Variable y = tape.output(tape.value(a).rows, tape.value(a).cols, {a, b});
  tape.record_blocks("sub", y, tape.value(a).cols, {a, b}, {}, SubStep{a, b, y});
  return y;
}

}  // namespace jsc
