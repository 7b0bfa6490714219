#include "apps/training/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "engine/gather.hpp"
#include "ops/penalty.hpp"

namespace jsc {

namespace {

// The random streams of a training; modules initialise from streams 0, 1, ... and random layers have their
// own (executor.cpp).
constexpr std::uint64_t kShuffleStreams = std::uint64_t{1} << 32;

// Blocks by themselves where there are several and no layer needs them together.
Tape::Layout layout_of(const Graph& graph, Index batch) {
  if (batch <= kSampleBlock) return Tape::Layout::rows;
  Tape trial;
  record(graph, trial, 2, Mode::train, {.fuse = true});
  return trial.goes_by_blocks() ? Tape::Layout::blocks : Tape::Layout::rows;
}

std::vector<std::uint8_t> labels_as_bytes(const Samples& samples, std::span<const std::uint32_t> rows) {
  std::vector<std::uint8_t> bytes(rows.empty() ? 0 : *std::ranges::max_element(rows) + std::size_t{1});
  for (const std::uint32_t row : rows) {
    const std::int32_t label = samples.labels[row];
    if (label < 0 || label > 255) return {};
    bytes[row] = static_cast<std::uint8_t>(label);
  }
  return bytes;
}

}  // namespace

struct Trainer::Pass {
  Pass(const Trainer& trainer, Index batch_size)
      : key(recording_key(trainer.graph_)),
        batch(batch_size),
        source{trainer.samples_.x, trainer.samples_.features, trainer.samples_.labels,
               trainer.byte_labels_.empty() ? nullptr : trainer.byte_labels_.data()},
        labels(static_cast<std::size_t>(batch_size)),
        tape(trainer.execution_, Tape::Gradients::wanted, layout_of(trainer.graph_, batch_size)),
        recording(record(trainer.graph_, tape, batch_size, Mode::train,
                         {.seed = trainer.options_.seed,
                          .fuse = true,
                          .input = gather(tape, &source, batch_size, labels.data())})),
        loss(cross_entropy(tape, recording.output, labels.data(), trainer.options_.loss, &counts)) {}

  std::uint64_t key;
  Index batch;
  RowSource source;
  std::vector<std::int32_t> labels;
  Tape tape;
  Recording recording;
  ClassificationCounts counts{};
  Variable loss;
};

Trainer::Trainer(Graph& graph, const Samples& samples, std::span<const std::uint32_t> train_rows,
                 const TrainingOptions& options, Execution execution)
    : graph_(graph),
      samples_(samples),
      train_rows_(train_rows),
      byte_labels_(labels_as_bytes(samples, train_rows)),
      options_(options),
      execution_(execution),
      thread_choice_(execution.threads),
      optimizer_(make_optimizer(options.optimizer, graph.block.size)),
      order_(train_rows.size()) {
  const auto rows = static_cast<Index>(train_rows.size());
  if (rows == 0) fail("training: there are no training rows");
  options_.batch_size = std::min(options_.batch_size, rows);
  batches_per_epoch_ = (rows + options_.batch_size - 1) / options_.batch_size;
  options_.schedule.total = options_.max_epochs * (options_.schedule_by_step ? batches_per_epoch_ : 1);
  check_schedule(options_.schedule);
  const Index rest = rows % options_.batch_size;
  if (rest == 1 || options_.batch_size == 1)
    for (const auto& [path, module] : graph_.modules)
      if (module->type() == "BatchNorm1d")
        fail(
            "training: {} rows in batches of {} make a batch of one, which {} ({}) cannot be trained on: "
            "choose "
            "another batch size",
            rows, options_.batch_size, path, module->type());
  full_ = std::make_unique<Pass>(*this, options_.batch_size);
  if (rest != 0) rest_ = std::make_unique<Pass>(*this, rest);
}

Trainer::~Trainer() = default;

bool Trainer::finished() const {
  return position_.epoch >= options_.max_epochs ||
         (options_.max_steps > 0 && position_.step >= options_.max_steps);
}

double Trainer::learning_rate() const {
  return jsc::learning_rate(options_.schedule, options_.schedule_by_step ? position_.step : position_.epoch);
}

void Trainer::shuffle() {
  const RandomStream stream{options_.seed, kShuffleStreams + static_cast<std::uint64_t>(position_.epoch)};
  std::ranges::copy(train_rows_, order_.begin());
  jsc::shuffle(stream, order_.data(), static_cast<Index>(order_.size()), execution_.isa);
  shuffled_epoch_ = position_.epoch;
}

void Trainer::step() {
  JSC_ASSERT(!epoch_complete());
  if (shuffled_epoch_ != position_.epoch) shuffle();

  const Index first = position_.batch * options_.batch_size;
  const Index batch = std::min(options_.batch_size, static_cast<Index>(order_.size()) - first);
  std::unique_ptr<Pass>& slot = batch == full_->batch ? full_ : rest_;
  if (slot->key != recording_key(graph_)) slot = std::make_unique<Pass>(*this, batch);
  slot->source.indices = order_.data() + first;
  slot->source.ahead = std::ssize(order_) - first - batch;
  const auto run = [&](int threads) {
    execution_.threads = threads;
    slot->tape.set_threads(threads);
    run_step(*slot);
  };
  const bool same_bits = !execution_.allow_blas;  // OpenBLAS's depend on the threads
  if (same_bits && batch == full_->batch)
    thread_choice_.run(run);
  else
    run(thread_choice_.threads());
}

void Trainer::run_step(Pass& p) {
  p.tape.training_step = static_cast<std::uint64_t>(position_.step);
  p.tape.forward();
  const double loss = p.counts.loss_sum / p.counts.weight_sum;
  if (!std::isfinite(loss))
    throw DivergedError(fmt::format("training: the loss is {} at step {} (epoch {}, batch {}): {}", loss,
                                    position_.step, position_.epoch, position_.batch,
                                    p.counts.weight_sum == 0 ? "all its rows are of classes of weight 0"
                                                             : "try a smaller learning rate"));
  p.tape.backward(p.loss);

  const std::span<float> values(graph_.block.values.get(), static_cast<std::size_t>(graph_.block.size));
  const std::span<float> gradients(graph_.block.gradients.get(), values.size());
  if (options_.l1 > 0) penalize_linear_weights();
  if (options_.clip_norm > 0) clip_gradient_norm(execution_, gradients, options_.clip_norm);
  optimizer_->step(execution_, values, gradients, learning_rate());

  position_.loss_sum += p.counts.loss_sum;
  position_.weight_sum += p.counts.weight_sum;
  position_.correct += p.counts.correct;
  position_.samples += p.batch;
  ++position_.batch;
  ++position_.step;
}

void Trainer::penalize_linear_weights() {
  for (const auto& [path, module] : graph_.modules) {
    if (module->op() != "linear" && module->op() != "constant") continue;  // quantized or not; matmul's
    const Parameter& weight = module->parameters()[0];
    const auto size = static_cast<std::size_t>(weight.value.size());
    add_l1_gradient(execution_, {weight.value.data, size}, {weight.gradient.data, size}, options_.l1);
  }
}

Metrics Trainer::close_epoch() {
  const double accuracy = static_cast<double>(position_.correct) / static_cast<double>(position_.samples);
  const Metrics metrics{position_.loss_sum / position_.weight_sum, accuracy, position_.samples};
  position_ = {.epoch = position_.epoch + 1, .step = position_.step};
  return metrics;
}

void Trainer::restore(const TrainingPosition& position) {
  position_ = position;
}

}  // namespace jsc
