// One training with everything it writes: from a network and data to a run folder, in one go or continued.
#pragma once

#include <string>
#include <vector>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/training/prepared_data.hpp"
#include "apps/training/run_folder.hpp"
#include "apps/training/train_settings.hpp"
#include "apps/training/trainer.hpp"

namespace jsc {

class Run {
 public:
  // The settings must outlive the run.
  Run(const TrainSettings& settings, RunFolder folder, PreparedData data, ModelContext context, Graph graph);

  // Continues from the training state of a checkpoint that was read from `path`.
  void restore(const TrainingState& state, const TensorFile& file, const std::string& path);

  // Trains to the end, writing checkpoints and metrics.csv after each epoch. False if it was interrupted;
  // then it can be resumed. Throws DivergedError; what was written before stays.
  bool train();
  // What --resume reads: weights, position, optimizer. Called once before the first step.
  void save_last();

  // Tests the best network and writes summary.json and plots; the result goes to standard output.
  void finish();

  const RunFolder& folder() const { return folder_; }
  const PreparedData& data() const { return data_; }
  const Graph& graph() const { return graph_; }
  const TrainingPosition& position() const { return trainer_.position(); }

 private:
  void train_epoch();
  void close_epoch(const EpochMetrics& metrics);
  bool out_of_patience() const;
  void write_summary(const Metrics& test) const;
  void draw_plots() const;
  void print_result(const Metrics& test) const;
  std::string epoch_label(std::int64_t epoch) const;

  const TrainSettings& settings_;
  RunFolder folder_;
  PreparedData data_;
  ModelContext context_;
  Graph graph_;
  Trainer trainer_;
  Evaluator evaluator_;
  TrainingState state_;
  std::vector<EpochMetrics> epochs_;
};

}  // namespace jsc
