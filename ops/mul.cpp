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

  void forward(Tape& tape, SampleBlock block) const {
    mul_forward(tape.execution(), columns(tape.value(a), block), columns(tape.value(b), block),
                columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const ConstMatrix d_y = columns(tape.d(y), block);
    const Tape::Sink &d_a = sinks[0], &d_b = sinks[1];
    if (d_a.d)
      mul_backward(tape.execution(), columns(tape.value(b), block), d_y, columns(d_a.d, block),
                   d_a.accumulate);
    if (d_b.d)
      mul_backward(tape.execution(), columns(tape.value(a), block), d_y, columns(d_b.d, block),
                   d_b.accumulate);
  }
};

}  // namespace

Variable mul(Tape& tape, Variable a, Variable b) {
  require_same_shape("mul", "second operand", tape.value(a), tape.value(b));
  const Variable y = tape.output(tape.value(a).rows, tape.value(a).cols, {a, b});
  tape.record_blocks("mul", y, tape.value(a).cols, {a, b}, {}, MulStep{a, b, y});
  return y;
}

}  // namespace jsc
