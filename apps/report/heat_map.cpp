#include "apps/report/heat_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"

namespace jsc {

namespace {

constexpr int kCellWidth = 90, kCellHeight = 44;
constexpr int kMargins = 240;  // for axes, their names and the color scale

std::string tics(char axis, const std::vector<std::string>& names) {
  std::string script;
  for (std::size_t i = 0; i < names.size(); ++i)
    script += fmt::format("set {}tics {} ({} {})\n", axis, i == 0 ? "" : "add", gnuplot_string(names[i]), i);
  return script;
}

}  // namespace

PlotScript script_of(const HeatMap& map) {
  if (map.values.size() != map.y_names.size())
    fail("heat map '{}': expected {} rows, found {}", map.title, map.y_names.size(), map.values.size());
  std::string cells;
  for (std::size_t y = 0; y < map.values.size(); ++y) {
    if (map.values[y].size() != map.x_names.size())
      fail("heat map '{}', row {}: expected {} values, found {}", map.title, y, map.x_names.size(),
           map.values[y].size());
    for (std::size_t x = 0; x < map.values[y].size(); ++x)
      if (std::isfinite(map.values[y][x])) cells += fmt::format("{} {} {}\n", x, y, map.values[y][x]);
  }
  if (cells.empty())
    return {map.title, map.description, "", fmt::format("nothing to plot in '{}'", map.title)};
  const int width = kMargins + std::max(5, static_cast<int>(map.x_names.size())) * kCellWidth;
  const int height = kMargins + static_cast<int>(map.y_names.size()) * kCellHeight;
  // From nearly white to a blue that black letters still stand out from.
  std::string script = gnuplot_head(map.title, width, height, false);
  script += fmt::format(
      "$cells << END_OF_CELLS\n{}END_OF_CELLS\n"
      "set palette defined (0 '#f7fbff', 1 '#6baed6')\nset cbtics textcolor rgb plot_text\nunset grid\nunset "
      "key\n"
      "set tics scale 0\nset xrange [-0.5:{}-0.5]\nset yrange [-0.5:{}-0.5]\n"
      "set xlabel {} textcolor rgb plot_text\nset ylabel {} textcolor rgb plot_text\n{}{}"
      "plot $cells using 1:2:(0.49):(0.49):3 with boxxyerror fillstyle solid noborder linecolor palette, "
      "$cells using 1:2:(sprintf('%.{}f', $3)) with labels textcolor '#000000'\n",
      cells, map.x_names.size(), map.y_names.size(), gnuplot_string(map.x_label), gnuplot_string(map.y_label),
      tics('x', map.x_names), tics('y', map.y_names), map.decimals);
  return {map.title, map.description, std::move(script), ""};
}

}  // namespace jsc
