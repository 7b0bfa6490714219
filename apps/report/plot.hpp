// Line plots as SVG, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/report/gnuplot.hpp"

namespace jsc {

struct Series {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;  // as many as x; values that are not finite leave a gap
};

struct Plot {
  std::string title;
  std::string description;  // for readers who do not see the picture; the SVG's <desc>
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<Series> series;  // told apart by dashes and markers, not by color alone
  int width = 760;             // of the view box; viewers scale it
  int height = 440;
};

// Throws Error if x and y of a series differ in length.
RenderedPlot render_svg(const Plot& plot);

// Renders into a file, which appears complete or not at all. Returns the problem, "" when all is well.
[[nodiscard]] std::string write_svg(const Plot& plot, const std::filesystem::path& path);

}  // namespace jsc
