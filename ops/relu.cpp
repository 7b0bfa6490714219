#include "ops/relu.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void relu_forward(const Execution& execution, const ConstMatrix& x, const Matrix& y) {
  for_each_block(execution.threads, x.cols, [&](Index, Index begin, Index end) {
    ops_kernels(execution.isa)
        .relu_forward(x.rows, end - begin, x.data + begin, x.stride, y.data + begin, y.stride);
  });
}

void relu_backward(const Execution& execution, const ConstMatrix& x, const ConstMatrix& d_y,
                   const Matrix& d_x, bool accumulate) {
  for_each_block(execution.threads, x.cols, [&](Index, Index begin, Index end) {
    ops_kernels(execution.isa)
        .relu_backward(x.rows, end - begin, x.data + begin, x.stride, d_y.data + begin, d_y.stride,
                       d_x.data + begin, d_x.stride, accumulate);
  });
}

namespace {

struct ReluStep {
  Variable x, y;

  void forward(Tape& tape, SampleBlock block) const {
    relu_forward(tape.execution(), columns(tape.value(x), block), columns(tape.value(y), block));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      relu_backward(tape.execution(), columns(tape.value(x), block), columns(tape.d(y), block),
                    columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable relu(Tape& tape, Variable x) {
  const Variable y = tape.output(tape.value(x).rows, tape.value(x).cols, {x});
  tape.record_blocks("relu", y, tape.value(x).cols, {x}, {}, ReluStep{x, y});
  return y;
}

}  // namespace jsc
