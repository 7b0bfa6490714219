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

  void forward(Tape& tape) const {
    sub_forward(tape.execution(), tape.value(a), tape.value(b), tape.value(y));
  }
  void backward(Tape& tape) const {
    const Tape::Sink d_a = tape.sink(a);
    if (d_a.d) sub_backward(tape.execution(), 1.0F, tape.d(y), d_a.d, d_a.accumulate);
    const Tape::Sink d_b = tape.sink(b);
    if (d_b.d) sub_backward(tape.execution(), -1.0F, tape.d(y), d_b.d, d_b.accumulate);
  }
};

}  // namespace

Variable sub(Tape& tape, Variable a, Variable b) {
  require_same_shape("sub", "second operand", tape.value(a), tape.value(b));
  const Variable y = tape.output(tape.value(a).rows, tape.value(a).cols, {a, b});
  tape.record("sub", y, SubStep{a, b, y});
  return y;
}

}  // namespace jsc
