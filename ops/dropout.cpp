#include "ops/dropout.hpp"

#include "ops/kernels/ops_kernels.hpp"
#include "ops/rows.hpp"

namespace jsc {

void dropout_forward(const Execution& execution, float p, RandomStream stream, std::uint64_t training_step,
                     SampleBlock block, ConstMatrix x, Matrix mask, Matrix y) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const float factor = p < 1.0F ? 1.0F / (1.0F - p) : 0.0F;
  const ConstMatrix from = columns(x, block);
  const Matrix uniform = columns(mask, block), to = columns(y, block);
  for (Index row = 0; row < x.rows; ++row) {
    const std::uint64_t element = static_cast<std::uint64_t>(row * x.cols + block.begin);
    fill_uniform(stream, (training_step << 32) + element, 0.0F, 1.0F, uniform.row(row), block.count(),
                 execution.isa);
    kernels.dropout_forward(block.count(), p, factor, uniform.row(row), from.row(row), to.row(row));
  }
}

void dropout_backward(const Execution& execution, ConstMatrix mask, ConstMatrix d_y, Matrix d_x,
                      bool accumulate) {
  const OpsKernels& kernels = ops_kernels(execution.isa);
  for_each_row(execution, d_x.rows, d_x.cols, [&](Index row, Index begin, Index n) {
    kernels.multiply_backward(n, d_y.row(row) + begin, mask.row(row) + begin, d_x.row(row) + begin,
                              accumulate);
  });
}

namespace {

struct DropoutStep {
  Variable x, y;
  float p;
  RandomStream stream;
  Matrix mask;

  void forward(Tape& tape, SampleBlock block) const {
    dropout_forward(tape.execution(), p, stream, tape.training_step, block, tape.value(x), mask,
                    tape.value(y));
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_x = sinks[0];
    if (d_x.d)
      dropout_backward(tape.execution(), columns(mask, block), columns(tape.d(y), block),
                       columns(d_x.d, block), d_x.accumulate);
  }
};

}  // namespace

Variable dropout(Tape& tape, Variable x, float p, RandomStream stream) {
  const Matrix vx = tape.value(x);
  if (!(p >= 0.0F && p <= 1.0F)) fail("dropout, p: expected a probability from 0 to 1, found {}", p);
  if (static_cast<std::uint64_t>(vx.size()) >> 32 != 0)
    fail("dropout, input: expected fewer than 2^32 values, found {} x {}", vx.rows, vx.cols);
  const Variable y = tape.output(vx.rows, vx.cols, {x});
  tape.record_blocks("dropout", y, vx.cols, {x}, {},
                     DropoutStep{x, y, p, stream, tape.activation(vx.rows, vx.cols)});
  return y;
}

}  // namespace jsc
