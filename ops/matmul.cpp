#include "ops/matmul.hpp"

#include "engine/gemm.hpp"
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

struct MatmulStep {
  Variable a, b, y;

  void forward(Tape& tape) const {
    matmul_forward(tape.execution(), tape.value(a), tape.value(b), tape.value(y));
  }
  void backward(Tape& tape) const {
    const Tape::Sink d_a = tape.sink(a);
    if (d_a.d) matmul_backward_left(tape.execution(), tape.value(b), tape.d(y), d_a.d, d_a.accumulate);
    const Tape::Sink d_b = tape.sink(b);
    if (d_b.d) matmul_backward_right(tape.execution(), tape.value(a), tape.d(y), d_b.d, d_b.accumulate);
  }
};

}  // namespace

Variable matmul(Tape& tape, Variable a, Variable b) {
  const Matrix va = tape.value(a), vb = tape.value(b);
  if (va.cols != vb.rows)
    fail("matmul, right operand: expected {} rows (the left operand's columns), found {} x {}", va.cols,
         vb.rows, vb.cols);
  const Variable y = tape.output(va.rows, vb.cols, {a, b});
  tape.record("matmul", y, MatmulStep{a, b, y});
  return y;
}

}  // namespace jsc
