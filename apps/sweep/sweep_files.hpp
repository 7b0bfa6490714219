// What a finished sweep writes into its folder: the table in four forms, every trial, plots, a page.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plots.hpp"
#include "apps/sweep/sweep_table.hpp"

namespace jsc {

struct SweepResult {
  std::vector<TrialResult> trials;  // as in the plan
  std::vector<SweepRow> rows;       // sorted

  std::size_t failed() const;  // trials
};

// `order` may be null: then rows are in the order of the plan. Throws Error for a damaged trial.
SweepResult read_sweep(const SweepPlan& plan, const std::string& path, const SweepOrder* order);

// table.csv, table.md, table.json, trials.csv, the plots and report.html. Warns of plots that could not be
// drawn.
void write_sweep_files(const SweepPlan& plan, const SweepResult& result, const RunFolder& folder);

}  // namespace jsc
