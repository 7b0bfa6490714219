// The plots of a sweep: the loss by epoch, the result against each swept option, and for each two of them.
#pragma once

#include <string>
#include <vector>

#include "apps/report/heat_map.hpp"
#include "apps/report/named_plot.hpp"
#include "apps/sweep/sweep_table.hpp"

namespace jsc {

struct SweepPlots {
  struct Map {
    std::string file;
    HeatMap map;
  };
  std::vector<NamedPlot> lines;
  std::vector<Map> maps;
};

// None if no trial has finished. At most eight curves a plot, more cannot be told apart: the rows of the
// smallest validation loss.
SweepPlots sweep_plots(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows);

// "jsc-tiny: batch size, learning rate", what is swept, for titles.
std::string sweep_title(const SweepPlan& plan);

}  // namespace jsc
