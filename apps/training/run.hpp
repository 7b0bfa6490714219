// One training with everything it writes: from a network and data to a run folder, in one go or continued.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/training/event_file.hpp"
#include "apps/training/prepared_data.hpp"
#include "apps/training/run_folder.hpp"
#include "apps/training/train_settings.hpp"
#include "apps/training/trainer.hpp"

namespace jsc {

class Run {
 public:
  // The settings must outlive the run. The data are only read: runs in other threads may share them.
  Run(const TrainSettings& settings, RunFolder folder, std::shared_ptr<const PreparedData> data,
      ModelContext context, Graph graph);

  // Continues from the training state of a checkpoint that was read from `path`. Throws OtherDataError, and
  // Error if the folder's files do not fit together.
  void restore(const TrainingState& state, const TensorFile& file, const std::string& path);

  // Trains to the end, writing checkpoints and metrics.csv after the epochs, though not more often than each
  // second: flushing them to the disk takes longer than an epoch of a small network. False if it was
  // interrupted; then it can be resumed. Throws DivergedError; the best network and the metrics stay.
  bool train();
  // What --resume reads: weights, position, optimizer. Called once before the first step.
  void save_last();

  // Called by train() after each epoch.
  std::function<void(const EpochMetrics&)> after_epoch;

  // Tests the best network, which graph() is from then on.
  Metrics test();
  // What summary.json says after the test.
  MetaValue summary(const Metrics& test) const;
  // Writes summary.json, which marks the run as finished: after everything else.
  void write_summary(const MetaValue& summary) const;
  // The result on standard output.
  void print_result(const Metrics& test) const;

  const TrainSettings& settings() const { return settings_; }

  const RunFolder& folder() const { return folder_; }
  const PreparedData& data() const { return *data_; }
  const Graph& graph() const { return graph_; }
  const TrainingPosition& position() const { return trainer_.position(); }

 private:
  void train_epoch();
  void close_epoch(const EpochMetrics& metrics);
  void write_epochs();
  bool out_of_patience() const;
  std::string epoch_label(std::int64_t epoch) const;

  const TrainSettings& settings_;
  RunFolder folder_;
  std::shared_ptr<const PreparedData> data_;
  ModelContext context_;
  Graph graph_;
  Trainer trainer_;
  Evaluator evaluator_;
  TrainingState state_;
  std::vector<EpochMetrics> epochs_;
  std::optional<TensorFile> unwritten_best_;
  std::optional<EventFile> events_;
};

}  // namespace jsc
