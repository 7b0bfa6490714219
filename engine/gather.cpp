#include "engine/gather.hpp"

#include "engine/kernels/table.hpp"

namespace jsc {

void gather_rows(const Execution& execution, const float* x, Index features, const std::uint32_t* indices,
                 Matrix out) {
  if (out.rows != features) fail("gather_rows: out should have {} rows, found {}", features, out.rows);
  for_each_block(execution.threads, out.cols, [&](Index, Index begin, Index end) {
    engine_kernels(execution.isa)
        .gather({x, features, indices + begin, out.data + begin, out.stride, end - begin, out.cols - end});
  });
}

namespace {

struct GatherStep {
  const RowSource* source;
  Variable x;
  std::int32_t* labels;

  void forward(Tape& tape, SampleBlock block) const {
    const Matrix out = tape.value(x);
    const std::uint32_t* indices = source->indices + block.begin;
    const Index n = block.count(), ahead = out.cols - block.end + source->ahead;
    engine_kernels(tape.execution().isa)
        .gather({source->x, source->features, indices, columns(out, block).data, out.stride, n, ahead});
    const auto fill_labels = [&](const auto* from) {
      constexpr Index kAhead = 64;
      for (Index i = 0; i < n; ++i) {
        if (i + kAhead < n + ahead) __builtin_prefetch(from + indices[i + kAhead]);
        labels[block.begin + i] = from[indices[i]];
      }
    };
    if (source->byte_labels != nullptr)
      fill_labels(source->byte_labels);
    else if (source->labels != nullptr)
      fill_labels(source->labels);
  }
  void backward(Tape&, Tape::Sinks, SampleBlock) const {}
};

}  // namespace

Variable gather(Tape& tape, const RowSource* source, Index batch, std::int32_t* labels) {
  const Variable x = tape.input(source->features, batch);
  tape.record_blocks("gather", x, batch, {}, {}, GatherStep{source, x, labels});
  return x;
}

}  // namespace jsc
