// Runs the trials of a sweep, several at a time on a thread each. A trial is a training like any other, in a
// folder of its own, so it is the same to the bit whichever thread runs it, and one that was killed goes on
// from its last epoch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/sweep/data_pool.hpp"
#include "apps/sweep/sweep_plan.hpp"
#include "apps/sweep/trial.hpp"
#include "apps/training/run.hpp"
#include "apps/transform/transform_file.hpp"

namespace jsc {

class SweepRunner {
 public:
  // `threads` trials run at a time. The plan and the passes must outlive it.
  SweepRunner(const SweepPlan& plan, const std::vector<PassCall>& passes, std::string command_line,
              std::string folder, int threads, bool quiet);

  // Runs what is not done yet. False if it was interrupted; then another run goes on. Throws what stopped it:
  // a full disk, data that are not those of the trials before. A trial that cannot be trained or diverges is
  // a result, kept in failure.json; one whose files are damaged is trained anew, with a warning.
  bool run();

 private:
  struct Board;
  void list_trials(Board& board);
  void work(Board& board);
  void start_anew(const Trial& trial, const std::string& why, Board& board) const;
  std::unique_ptr<Run> continued(const Trial& trial, const std::string& config,
                                 std::shared_ptr<const PreparedData> data, Board& board) const;
  void run_trial(std::size_t index, Board& board);
  void close_trial(std::size_t index, const TrialResult& result, Board& board) const;
  void note_best(const Trial& trial, const TrialResult& result, Board& board) const;
  void watch(Board& board) const;

  const SweepPlan& plan_;
  const std::vector<PassCall>& passes_;
  std::string command_line_;  // that each trial's configuration begins with
  std::string folder_;
  int threads_;
  bool quiet_;
  DataPool data_;
};

}  // namespace jsc
