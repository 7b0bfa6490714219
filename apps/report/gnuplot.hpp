// Gnuplot in a child process: a script goes in, an SVG comes out. A missing gnuplot costs the plot and
// nothing else: the caller gets a reason to show as a warning.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jsc {

// What gnuplot is to draw, or why there is nothing to draw (one line).
struct PlotScript {
  std::string title;
  std::string description;  // for readers who do not see the picture
  std::string script;       // commands; the whole of them, gnuplot_head included
  std::string problem;
};

// The SVG text, or why there is none (one line).
struct RenderedPlot {
  std::string svg;
  std::string problem;
};

// A string constant of gnuplot's language.
std::string gnuplot_string(std::string_view text);

// What every plot of ours begins with: the colors of palette.hpp as variables (linecolor rgb plot_axis), the
// terminal, borders, tics, grid, and the title if it is not empty.
// `enhanced` reads 2^{3} in labels as a power.
std::string gnuplot_head(std::string_view title, int width, int height, bool enhanced);

// Runs the script. Title and description become the SVG's own, for readers who do not see the picture.
RenderedPlot run_gnuplot(const PlotScript& plot);

// The same for many, in one process.
std::vector<RenderedPlot> run_gnuplot(std::span<const PlotScript> plots);

// Into a file, which appears complete or not at all. Returns the problem, "" when all is well.
[[nodiscard]] std::string write_rendered(const RenderedPlot& rendered, const std::filesystem::path& path);

}  // namespace jsc
