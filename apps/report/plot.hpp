// Line plots as SVG, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/report/gnuplot.hpp"

namespace jsc {

struct Series {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;         // as many as x; values that are not finite leave a gap
  std::vector<double> error{};   // none, or as many: half the length of the bar at each point
  int look = -1;                 // which color and marker, from 0; -1: its place among the series
  std::optional<bool> dashed{};  // whether the line is; its look decides if not given
};

struct AxisRange {
  double low = 0, high = 1;
};

struct Plot {
  std::string title;
  std::string description;  // for readers who do not see the picture; the SVG's <desc>
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<std::string> x_names{};  // what stands at x = 0, 1, ... in the place of numbers; none: numbers
  std::vector<double> x_tics{};        // where numbers stand, as far as there is room; none: as gnuplot likes
  std::optional<AxisRange> x_range{}, y_range{};  // all that there is if not given
  int most_tics = 0;                              // on an axis; 0: as gnuplot likes
  bool whole_x = false;                           // x are whole numbers: no tics between them
  bool steps = false;                             // each y reaches from its x to the next; no markers
  bool draw_title = true;                         // false where a caption beside the plot says it
  std::vector<Series> series;                     // told apart by dashes and markers, not by color alone
  int width = 760;                                // of the view box; viewers scale it
  int height = 440;                               // with one row of the key; each further row adds to it
};

// For run_gnuplot. Throws Error if x, y and error of a series differ in length.
PlotScript script_of(const Plot& plot);
RenderedPlot render_svg(const Plot& plot);

// Renders into a file, which appears complete or not at all. Returns the problem, "" when all is well.
[[nodiscard]] std::string write_svg(const Plot& plot, const std::filesystem::path& path);

}  // namespace jsc
