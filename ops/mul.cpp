#include "ops/mul.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void mul_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, y.rows, y.cols, [&](Index row, Index begin, Index n) {
    kernels.multiply(n, a.row(row) + begin, b.row(row) + begin, y.row(row) + begin);
  });
}

void mul_backward(const Execution& execution, ConstMatrix other, ConstMatrix d_y, Matrix d, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, d.rows, d.cols, [&](Index row, Index begin, Index n) {
    kernels.multiply_backward(n, d_y.row(row) + begin, other.row(row) + begin, d.row(row) + begin,
                              accumulate);
  });
}

namespace {

struct MulStep {
  Variable a, b, y;

  void forward(Tape& tape) const {
    mul_forward(tape.execution(), tape.value(a), tape.value(b), tape.value(y));
  }
  void backward(Tape& tape) const {
    const Tape::Sink d_a = tape.sink(a);
    if (d_a.d) mul_backward(tape.execution(), tape.value(b), tape.d(y), d_a.d, d_a.accumulate);
    const Tape::Sink d_b = tape.sink(b);
    if (d_b.d) mul_backward(tape.execution(), tape.value(a), tape.d(y), d_b.d, d_b.accumulate);
  }
};

}  // namespace

Variable mul(Tape& tape, Variable a, Variable b) {
  require_same_shape("mul", "second operand", tape.value(a), tape.value(b));
  const Variable y = tape.output(tape.value(a).rows, tape.value(a).cols, {a, b});
  tape.record("mul", y, MulStep{a, b, y});
  return y;
}

}  // namespace jsc
