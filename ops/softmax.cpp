#include "ops/softmax.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void softmax_forward(const Execution& execution, ConstMatrix x, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_block(execution.threads, x.cols, [&](Index, Index begin, Index end) {
    kernels.softmax_forward(x.rows, end - begin, x.data + begin, x.stride, y.data + begin, y.stride);
  });
}

void softmax_backward(const Execution& execution, ConstMatrix y, ConstMatrix d_y, Matrix d_x,
                      bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_block(execution.threads, y.cols, [&](Index, Index begin, Index end) {
    kernels.softmax_backward(y.rows, end - begin, y.data + begin, y.stride, d_y.data + begin, d_y.stride,
                             d_x.data + begin, d_x.stride, accumulate);
  });
}

namespace {

struct SoftmaxStep {
  Variable x, y;

  void forward(Tape& tape, SampleBlock block) const {
    softmax_forward(tape.execution(), columns(tape.value(x), block), columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      softmax_backward(tape.execution(), columns(tape.value(y), block), columns(tape.d(y), block),
                       columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable softmax(Tape& tape, Variable x) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record_blocks("softmax", y, tape.value(x).cols, {x}, {}, SoftmaxStep{x, y});
  return y;
}

}  // namespace jsc
