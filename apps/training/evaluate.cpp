#include "apps/training/evaluate.hpp"

#include <algorithm>

#include "engine/gather.hpp"

namespace jsc {

struct Evaluator::Pass {
  Pass(const Graph& graph, const Samples& samples, Execution execution, Index batch_size)
      : key(recording_key(graph)),
        batch(batch_size),
        source{samples.x, samples.features, samples.labels},
        labels(static_cast<std::size_t>(batch_size)),
        tape(execution, Tape::Gradients::none),
        recording(record(graph, tape, batch_size, Mode::evaluate,
                         {.fuse = true, .input = gather(tape, &source, batch_size, labels.data())})) {
    if (samples.labels != nullptr) cross_entropy(tape, recording.output, labels.data(), {}, &counts);
  }

  std::uint64_t key;
  Index batch;
  RowSource source;
  std::vector<std::int32_t> labels;
  Tape tape;
  Recording recording;
  ClassificationCounts counts{};
};

Evaluator::Evaluator(const Graph& graph, const Samples& samples, Execution execution)
    : graph_(graph), samples_(samples), execution_(execution) {}

Evaluator::~Evaluator() = default;

Evaluator::Pass& Evaluator::pass(Index batch) {
  std::unique_ptr<Pass>& slot = batch == kBatch ? full_ : rest_;
  if (!slot || slot->batch != batch || slot->key != recording_key(graph_))
    slot = std::make_unique<Pass>(graph_, samples_, execution_, batch);
  return *slot;
}

void Evaluator::forward(std::span<const std::uint32_t> rows,
                        const std::function<void(ConstMatrix logits, Index first)>& visit) {
  const auto count = static_cast<Index>(rows.size());
  for (Index first = 0; first < count; first += kBatch) {
    Pass& p = pass(std::min(kBatch, count - first));
    p.source.indices = rows.data() + first;
    p.source.ahead = count - first - p.batch;
    p.tape.forward();
    visit(p.tape.value(p.recording.output), first);
  }
}

Metrics Evaluator::evaluate(std::span<const std::uint32_t> rows) {
  Metrics metrics;
  if (rows.empty()) return metrics;
  double loss = 0;
  std::int64_t correct = 0;
  const auto count = static_cast<Index>(rows.size());
  forward(rows, [&](ConstMatrix, Index first) {
    const ClassificationCounts& counts = pass(std::min(kBatch, count - first)).counts;
    loss += counts.loss_sum;
    correct += counts.correct;
  });
  metrics.samples = count;
  metrics.loss = loss / static_cast<double>(count);
  metrics.accuracy = static_cast<double>(correct) / static_cast<double>(count);
  return metrics;
}

}  // namespace jsc
