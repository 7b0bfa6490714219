// report.html of a sweep: its table, its plots with their numbers, its trials.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plots.hpp"
#include "apps/sweep/sweep_table.hpp"
#include "apps/training/run_folder.hpp"

namespace jsc {

// The page. Why plots are missing is appended to `problems`. Trials lead to their report.html.
std::string sweep_page(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows, const SweepPlots& plots, const RunFolder& folder,
                       std::vector<std::string>& problems);

}  // namespace jsc
