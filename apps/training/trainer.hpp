// The training loop: shuffle, gather, forward, backward, update; one step at a time, so that it can stop, be
// saved and go on anywhere. It knows no files and no terminal.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/training/evaluate.hpp"
#include "apps/training/thread_choice.hpp"
#include "graph/graph.hpp"
#include "ops/optimizer.hpp"
#include "ops/schedule.hpp"

namespace jsc {

struct TrainingOptions {
  OptimizerOptions optimizer;
  ScheduleOptions schedule;       // its total is filled in by the trainer
  bool schedule_by_step = false;  // positions are batches, not epochs
  Index batch_size = 256;
  Index max_epochs = 20;
  Index max_steps = 0;  // 0: no limit
  CrossEntropyOptions loss;
  double l1 = 0;         // penalty l1 * sum |w| over the weights of linear and matmul layers
  double clip_norm = 0;  // 0: no clipping
  std::uint64_t seed = 0;
};

// Where a training stands. Everything beside the network and the optimizer that a later continuation needs.
struct TrainingPosition {
  std::int64_t epoch = 0;  // epochs completed
  std::int64_t batch = 0;  // batches done in the running epoch
  std::int64_t step = 0;   // batches done in all
  double loss_sum = 0;     // over the samples of the running epoch
  double weight_sum = 0;   // of their class weights (their number if there are none)
  std::int64_t correct = 0;
  std::int64_t samples = 0;
};

// The loss became infinite or NaN: names the step. The network has been left as it was before that step.
class DivergedError : public Error {
 public:
  using Error::Error;
};

class Trainer {
 public:
  // `graph` and the samples must outlive the trainer. Throws Error if there are no training rows, or a batch
  // of one is left over that BatchNorm cannot train on.
  Trainer(Graph& graph, const Samples& samples, std::span<const std::uint32_t> train_rows,
          const TrainingOptions& options, Execution execution);
  ~Trainer();

  Index batches_per_epoch() const { return batches_per_epoch_; }
  bool finished() const;
  // One batch. Throws DivergedError.
  void step();
  // True when the last step ended an epoch; then close_epoch() gives its mean loss and accuracy (of the
  // batches as they were trained on, over samples) and moves on to the next.
  bool epoch_complete() const { return position_.batch == batches_per_epoch_; }
  Metrics close_epoch();
  double learning_rate() const;  // of the next step

  const TrainingPosition& position() const { return position_; }
  Optimizer& optimizer() { return *optimizer_; }
  // Continues from a saved position; the network and the optimizer's state must have been restored.
  void restore(const TrainingPosition& position);

 private:
  struct Pass;
  void run_step(Pass& pass);
  void shuffle();
  void penalize_linear_weights();

  Graph& graph_;
  Samples samples_;
  std::span<const std::uint32_t> train_rows_;
  std::vector<std::uint8_t> byte_labels_;  // of the training rows by their numbers; empty if one does not fit
  TrainingOptions options_;
  Execution execution_;  // its threads are those of the running step
  ThreadChoice thread_choice_;
  Index batches_per_epoch_;
  std::unique_ptr<Optimizer> optimizer_;
  TrainingPosition position_;
  std::vector<std::uint32_t> order_;  // the running epoch's rows, shuffled
  std::int64_t shuffled_epoch_ = -1;
  std::unique_ptr<Pass> full_, rest_;
};

}  // namespace jsc
