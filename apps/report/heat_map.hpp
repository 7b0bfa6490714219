// A number for each pair of two options, as colored cells with the numbers in them. Drawn by gnuplot.
#pragma once

#include <string>
#include <vector>

#include "apps/report/gnuplot.hpp"

namespace jsc {

struct HeatMap {
  std::string title;
  std::string description;  // for readers who do not see the picture
  std::string x_label, y_label;
  std::vector<std::string> x_names, y_names;
  std::vector<std::vector<double>> values;  // [y][x]; what is not finite stays empty
  int decimals = 3;                         // of the numbers in the cells
};

// For run_gnuplot. Throws Error if the values do not fit the names.
PlotScript script_of(const HeatMap& map);

}  // namespace jsc
