// One trial's folder: a run folder (run_folder.hpp), with failure.json in the place of summary.json where the
// training could not be done.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.hpp"
#include "apps/training/run_folder.hpp"

namespace jsc {

// What a trial left in its folder.
struct TrialResult {
  enum class State { unfinished, done, failed };
  State state = State::unfinished;
  std::string reason;  // of a failure
  std::int64_t parameters = 0, best_epoch = 0;
  double train_loss = 0, train_accuracy = 0;  // of the best epoch
  double val_loss = 0, val_accuracy = 0, test_loss = 0, test_accuracy = 0;
  double seconds = 0;
  std::string data_hash;
  std::vector<EpochMetrics> epochs;
};

RunFolder trial_folder(const std::string& sweep, const Trial& trial);

// Throws Error if the files are there but not what a run writes.
TrialResult read_trial(const RunFolder& folder);

void write_failure(const RunFolder& folder, const std::string& reason);

// Makes the folder begin as if the trial had been trained to where the shorter one stopped. Does nothing if
// there is no such state.
void copy_beginning(const RunFolder& shorter, const RunFolder& folder, const std::string& config);

// Leaves an empty folder.
void clear_trial(const RunFolder& folder);

}  // namespace jsc
