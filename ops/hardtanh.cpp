#include "ops/hardtanh.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void hardtanh_forward(const Execution& execution, float lo, float hi, ConstMatrix x, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.hardtanh_forward(n, lo, hi, x.row(row) + begin, y.row(row) + begin);
  });
}

void hardtanh_backward(const Execution& execution, float lo, float hi, ConstMatrix x, ConstMatrix d_y,
                       Matrix d_x, bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, x.rows, x.cols, [&](Index row, Index begin, Index n) {
    kernels.hardtanh_backward(n, lo, hi, x.row(row) + begin, d_y.row(row) + begin, d_x.row(row) + begin,
                              accumulate);
  });
}

namespace {

struct HardtanhStep {
  Variable x, y;
  float lo;
  float hi;

  void forward(Tape& tape) const { hardtanh_forward(tape.execution(), lo, hi, tape.value(x), tape.value(y)); }
  void backward(Tape& tape) const {
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) hardtanh_backward(tape.execution(), lo, hi, tape.value(x), tape.d(y), d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable hardtanh(Tape& tape, Variable x, float lo, float hi) {
  if (!(lo < hi)) fail("hardtanh: expected lo < hi, found lo {} and hi {}", lo, hi);
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record("hardtanh", y, HardtanhStep{x, y, lo, hi});
  return y;
}

}  // namespace jsc
