#include "apps/report/plot.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "engine/error.hpp"

namespace jsc {

namespace {

struct Look {
  const char* color;  // Okabe and Ito's palette: told apart by color-blind readers, darkest first
  int dash;
  int marker;
};
constexpr std::array<Look, 8> kLooks = {{{"#0072b2", 1, 7},
                                         {"#d55e00", 2, 5},
                                         {"#009e73", 4, 9},
                                         {"#8c3a78", 5, 13},
                                         {"#000000", 3, 11},
                                         {"#e69f00", 1, 6},
                                         {"#56b4e9", 2, 4},
                                         {"#7f7f7f", 4, 8}}};
constexpr std::size_t kMarkersPerSeries = 12;  // more points than twice this: only every n-th gets a marker

bool drawable(double value, bool log_axis) {
  return std::isfinite(value) && (!log_axis || value > 0);
}

std::string gnuplot_script(const Plot& plot) {
  std::string script = gnuplot_head(plot.title, plot.width, plot.height, false);
  script += fmt::format(
      "set key bmargin center horizontal Left reverse samplen 4 textcolor '#333333'\n"
      "set autoscale xfix\nset offsets graph 0.02, graph 0.02, 0, 0\n"
      "set xlabel {} textcolor '#333333'\nset ylabel {} textcolor '#333333'\n",
      gnuplot_string(plot.x_label), gnuplot_string(plot.y_label));
  if (plot.log_x) script += "set logscale x\nset format x '%g'\n";
  if (plot.log_y) script += "set logscale y\nset format y '%g'\n";
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Series& series = plot.series[s];
    script += fmt::format("$series_{} << END_OF_SERIES\n", s);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (drawable(series.x[i], plot.log_x) && drawable(series.y[i], plot.log_y))
        script += fmt::format("{} {}\n", series.x[i], series.y[i]);
      else
        script += '\n';  // a blank line ends the stroke
    }
    script += "END_OF_SERIES\n";
  }
  script += "plot ";
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Look& look = kLooks[s % kLooks.size()];
    const std::size_t points = plot.series[s].x.size();
    const std::size_t every = points > 2 * kMarkersPerSeries ? points / kMarkersPerSeries : 1;
    script += fmt::format(
        "{}$series_{} using 1:2 with linespoints title {} linecolor '{}' linewidth 2 dashtype {} pointtype "
        "{} "
        "pointsize 0.6 pointinterval {}",
        s > 0 ? ", " : "", s, gnuplot_string(plot.series[s].label), look.color, look.dash, look.marker,
        every);
  }
  return script + '\n';
}

}  // namespace

RenderedPlot render_svg(const Plot& plot) {
  bool anything = false;
  for (const Series& series : plot.series) {
    if (series.x.size() != series.y.size())
      fail("plot '{}', series '{}': expected as many y as x values ({}), found {}", plot.title, series.label,
           series.x.size(), series.y.size());
    for (std::size_t i = 0; i < series.x.size(); ++i)
      anything = anything || (drawable(series.x[i], plot.log_x) && drawable(series.y[i], plot.log_y));
  }
  if (!anything) return {"", fmt::format("nothing to plot in '{}'", plot.title)};
  return run_gnuplot(gnuplot_script(plot), plot.title, plot.description);
}

std::string write_svg(const Plot& plot, const std::filesystem::path& path) {
  return write_rendered(render_svg(plot), path);
}

}  // namespace jsc
