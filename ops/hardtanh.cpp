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

  void forward(Tape& tape, SampleBlock block) const {
    hardtanh_forward(tape.execution(), lo, hi, columns(tape.value(x), block), columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      hardtanh_backward(tape.execution(), lo, hi, columns(tape.value(x), block), columns(tape.d(y), block),
                        columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable hardtanh(Tape& tape, Variable x, float lo, float hi) {
  if (!(lo < hi)) fail("hardtanh: expected lo < hi, found lo {} and hi {}", lo, hi);
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record_blocks("hardtanh", y, tape.value(x).cols, {x}, {}, HardtanhStep{x, y, lo, hi});
  return y;
}

}  // namespace jsc
