#include "ops/matmul.hpp"

#include "engine/gemm.hpp"
#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void matmul_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y) {
  gemm_forward(execution, a, nullptr, b, y);
}

void matmul_backward_left(const Execution& execution, ConstMatrix b, ConstMatrix d_y, Matrix d_a,
                          bool accumulate) {
  gemm_backward_weight(execution, d_y, b, d_a, accumulate);
}

void matmul_backward_right(const Execution& execution, ConstMatrix a, ConstMatrix d_y, Matrix d_b,
                           bool accumulate) {
  gemm_backward_input(execution, a, d_y, d_b, accumulate);
}

namespace {

void copy(const Execution& execution, ConstMatrix from, Matrix to, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, from.rows, from.cols, [&](Index row, Index begin, Index n) {
    kernels.scale(n, 1.0F, from.row(row) + begin, to.row(row) + begin, accumulate);
  });
}

struct MatmulStep {
  Variable a, b, y;
  // The products want padded rows on the right; a parameter has none, so it works through copies (else null).
  Matrix padded_b, padded_d_b;

  ConstMatrix right(Tape& tape) const { return padded_b ? padded_b : tape.value(b); }

  void forward(Tape& tape) const {
    if (padded_b) copy(tape.execution(), tape.value(b), padded_b, false);
    matmul_forward(tape.execution(), tape.value(a), right(tape), tape.value(y));
  }
  void backward(Tape& tape) const {
    const Tape::Sink d_a = tape.sink(a);
    if (d_a.d) matmul_backward_left(tape.execution(), right(tape), tape.d(y), d_a.d, d_a.accumulate);
    const Tape::Sink d_b = tape.sink(b);
    if (!d_b.d) return;
    if (!padded_d_b) {
      matmul_backward_right(tape.execution(), tape.value(a), tape.d(y), d_b.d, d_b.accumulate);
      return;
    }
    matmul_backward_right(tape.execution(), tape.value(a), tape.d(y), padded_d_b, false);
    copy(tape.execution(), padded_d_b, d_b.d, d_b.accumulate);
  }
};

}  // namespace

Variable matmul(Tape& tape, Variable a, Variable b) {
  const Matrix va = tape.value(a), vb = tape.value(b);
  if (va.cols != vb.rows)
    fail("matmul, right operand: expected {} rows (the left operand's columns), found {} x {}", va.cols,
         vb.rows, vb.cols);
  const Variable y = tape.output(va.rows, vb.cols, {a, b});
  MatmulStep step{a, b, y, {}, {}};
  if (vb.stride % kLanes != 0) {
    step.padded_b = tape.arena().matrix(vb.rows, vb.cols);
    step.padded_d_b = tape.arena().matrix(vb.rows, vb.cols);
  }
  tape.record("matmul", y, step);
  return y;
}

}  // namespace jsc
