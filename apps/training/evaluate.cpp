#include "apps/training/evaluate.hpp"

#include <algorithm>

#include "engine/gather.hpp"

namespace jsc {

struct Evaluator::Pass {
  Pass(const Graph& graph, const Samples& samples, Execution execution, Index batch_size)
      : batch(batch_size),
        tape(execution, Tape::Gradients::none),
        recording(record(graph, tape, batch_size, Mode::evaluate)) {
    if (samples.labels == nullptr) return;
    labels.resize(static_cast<std::size_t>(batch_size));
    cross_entropy(tape, recording.output, labels.data(), {}, &counts);
  }

  Index batch;
  Tape tape;
  Recording recording;
  std::vector<std::int32_t> labels;
  ClassificationCounts counts{};
};

Evaluator::Evaluator(const Graph& graph, const Samples& samples, Execution execution)
    : graph_(graph), samples_(samples), execution_(execution) {}

Evaluator::~Evaluator() = default;

Evaluator::Pass& Evaluator::pass(Index batch) {
  std::unique_ptr<Pass>& slot = batch == kBatch ? full_ : rest_;
  if (!slot || slot->batch != batch) slot = std::make_unique<Pass>(graph_, samples_, execution_, batch);
  return *slot;
}

void Evaluator::forward(std::span<const std::uint32_t> rows,
                        const std::function<void(ConstMatrix logits, Index first)>& visit) {
  const auto count = static_cast<Index>(rows.size());
  for (Index first = 0; first < count; first += kBatch) {
    Pass& p = pass(std::min(kBatch, count - first));
    gather_rows(execution_, samples_.x, samples_.features, rows.data() + first,
                p.tape.value(p.recording.input));
    for (std::size_t i = 0; i < p.labels.size(); ++i)
      p.labels[i] = samples_.labels[rows[static_cast<std::size_t>(first) + i]];
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
