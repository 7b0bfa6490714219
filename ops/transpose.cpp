#include "ops/transpose.hpp"

#include "ops/rows.hpp"

namespace jsc {

void transpose_matrix(ConstMatrix from, Matrix to, bool accumulate) {
  for (Index r = 0; r < to.rows; ++r)
    for (Index c = 0; c < to.cols; ++c) to(r, c) = accumulate ? to(r, c) + from(c, r) : from(c, r);
}

namespace {

struct TransposeStep {
  Variable a, y;

  void forward(Tape& tape) const { transpose_matrix(tape.value(a), tape.value(y), false); }
  void backward(Tape& tape) const {
    const Tape::Sink d_a = tape.sink(a);
    if (d_a.d) transpose_matrix(tape.d(y), d_a.d, d_a.accumulate);
  }
};

}  // namespace

Variable transpose(Tape& tape, Variable a) {
  const Matrix value = tape.value(a);
  const Variable y = tape.output(value.cols, value.rows, {a});
  tape.record("transpose", y, TransposeStep{a, y});
  return y;
}

}  // namespace jsc
