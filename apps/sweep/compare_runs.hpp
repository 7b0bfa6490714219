// Run folders side by side: the settings in which they differ, what they found, their curves.
#pragma once

#include <string>
#include <vector>

#include "apps/report/named_plot.hpp"
#include "apps/report/table.hpp"
#include "apps/sweep/trial.hpp"

namespace jsc {

struct ComparedRun {
  std::string name;  // the folder, as short as it tells the runs apart
  RunFolder folder;
  TrialResult result;                           // of an unfinished run: its epochs
  std::map<std::string, std::string> settings;  // as config.toml has them; "passes" their names
};

// Throws Error for fewer than two folders, the same one twice, and a folder that is no run.
std::vector<ComparedRun> read_runs(const std::vector<std::string>& paths);

// A row for each run: settings that are not the same in all, then the result of the best epoch. `exact` gives
// every digit.
Table comparison(const std::vector<ComparedRun>& runs, bool exact);
std::string comparison_json(const std::vector<ComparedRun>& runs);

// Loss and accuracy by epoch. At most eight curves can be told apart: those of the smallest validation loss.
std::vector<NamedPlot> comparison_plots(const std::vector<ComparedRun>& runs);

}  // namespace jsc
