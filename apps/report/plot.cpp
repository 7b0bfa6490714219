#include "apps/report/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/report/palette.hpp"
#include "apps/report/terminal.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace {

struct Look {
  int dash;
  int marker;
};
constexpr std::array<Look, kSeriesPaints> kLooks = {
    {{1, 7}, {2, 5}, {4, 9}, {5, 13}, {3, 11}, {1, 6}, {2, 4}, {4, 8}}};
constexpr double kLetterWidth = 8.2;  // of the font that gnuplot_head sets
constexpr double kSampleWidth = 60;   // of a stroke in the key, with its margins
constexpr int kKeyRow = 17;
constexpr double kFewWhole = 12;               // gnuplot's own tics are at whole numbers beyond
constexpr std::size_t kMarkersPerSeries = 12;  // more points than twice this: only every n-th gets a marker

bool drawable(double value, bool log_axis) {
  return std::isfinite(value) && (!log_axis || value > 0);
}

// What the values of an axis reach from and to; [0, 1] of none.
AxisRange span_of(const Plot& plot, std::vector<double> Series::*values, bool log_axis) {
  std::optional<AxisRange> span;
  for (const Series& series : plot.series)
    for (const double v : series.*values)
      if (drawable(v, log_axis))
        span = span ? AxisRange{std::min(span->low, v), std::max(span->high, v)} : AxisRange{v, v};
  return span.value_or(AxisRange{});
}

// The least of 1, 2 and 5 times a power of ten that makes at most `most` steps.
double tic_step(const AxisRange& range, int most) {
  const double least = (range.high - range.low) / most;
  if (!(least > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

std::string tics(const Plot& plot) {
  std::string script;
  const AxisRange x = plot.x_range.value_or(span_of(plot, &Series::x, plot.log_x));
  const AxisRange y = plot.y_range.value_or(span_of(plot, &Series::y, plot.log_y));
  if (plot.whole_x && x.high - x.low <= kFewWhole) script += "set xtics 1\n";
  if (plot.most_tics == 0) return script;
  if (!plot.log_x) script += fmt::format("set xtics {}\n", tic_step(x, plot.most_tics));
  if (!plot.log_y) script += fmt::format("set ytics {}\n", tic_step(y, plot.most_tics));
  return script;
}

std::string range(char axis, const std::optional<AxisRange>& range) {
  return range ? fmt::format("set {}range [{}:{}]\n", axis, range->low, range->high) : "";
}

// Tics at the given values, but for those that would stand on each other.
std::string tics_at(const Plot& plot) {
  std::string script;
  const AxisRange range = plot.x_range.value_or(span_of(plot, &Series::x, plot.log_x));
  const auto place = [&](double x) {  // from 0 to 1
    const auto scaled = [&](double v) { return plot.log_x ? std::log(v) : v; };
    return (scaled(x) - scaled(range.low)) / (scaled(range.high) - scaled(range.low));
  };
  double taken = -INFINITY;
  for (const double x : plot.x_tics) {
    if (!drawable(x, plot.log_x) || place(x) < taken) continue;
    const std::string text = fmt::format("{:g}", x);
    const double width = kLetterWidth * static_cast<double>(text.size() + 1) / plot.width;
    script += fmt::format("set xtics {} ({} {})\n", script.empty() ? "" : "add", gnuplot_string(text), x);
    taken = place(x) + width;
  }
  return script;
}

// As many columns as the longest label leaves room for.
struct Key {
  int columns = 1, rows = 0;  // no rows: no key
};

Key key_of(const Plot& plot) {
  Key key;
  int labels = 0, longest = 0;
  for (const Series& series : plot.series) {
    if (series.label.empty()) continue;
    ++labels;
    longest = std::max(longest, display_width(series.label));
  }
  if (plot.series.size() < 2 || labels == 0) return key;
  key.columns = std::clamp(static_cast<int>(plot.width / (kLetterWidth * longest + kSampleWidth)), 1, labels);
  key.rows = (labels + key.columns - 1) / key.columns;
  return key;
}

std::string gnuplot_script(const Plot& plot) {
  const Key key = key_of(plot);
  const int height = plot.height + kKeyRow * std::max(key.rows - 1, 0);
  std::string script = gnuplot_head(plot.draw_title ? plot.title : "", plot.width, height, false);
  script += "set format '%g'\n";
  if (key.rows > 0)
    script += fmt::format(
        "set key bmargin center horizontal maxcols {} Left reverse samplen 3 textcolor rgb plot_text\n",
        key.columns);
  else
    script += "unset key\n";
  script += fmt::format("set ylabel {} textcolor rgb plot_text\n", gnuplot_string(plot.y_label));
  if (!plot.x_label.empty())
    script +=
        fmt::format("set xlabel {} textcolor rgb plot_text offset 0,0.7\n", gnuplot_string(plot.x_label));
  if (!plot.x_range) script += "set autoscale xfix\nset offsets graph 0.02, graph 0.02, 0, 0\n";
  script += range('x', plot.x_range) + range('y', plot.y_range);
  script += tics(plot);
  for (std::size_t i = 0; i < plot.x_names.size(); ++i)
    script += fmt::format("set xtics {} ({} {})\n", i == 0 ? "" : "add", gnuplot_string(plot.x_names[i]), i);
  script += tics_at(plot);
  if (plot.log_x) script += "set logscale x\nset format x '%g'\n";
  if (plot.log_y) script += "set logscale y\nset format y '%g'\n";
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Series& series = plot.series[s];
    script += fmt::format("$series_{} << END_OF_SERIES\n", s);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (drawable(series.x[i], plot.log_x) && drawable(series.y[i], plot.log_y))
        script +=
            fmt::format("{} {} {}\n", series.x[i], series.y[i], series.error.empty() ? 0 : series.error[i]);
      else
        script += '\n';  // a blank line ends the stroke
    }
    script += "END_OF_SERIES\n";
  }
  script += "plot ";
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Series& series = plot.series[s];
    const std::size_t which = (series.look < 0 ? s : static_cast<std::size_t>(series.look)) % kLooks.size();
    const Look& look = kLooks[which];
    const std::string name = series.label.empty() ? "notitle" : "title " + gnuplot_string(series.label);
    if (s > 0) script += ", ";
    if (!series.error.empty())
      script += fmt::format(
          "$series_{} using 1:2:3 with yerrorbars notitle linecolor rgb series_{} linewidth 1 pointtype {} "
          "pointsize "
          "0.6, ",
          s, which + 1, look.marker);
    script += fmt::format("$series_{} using 1:2 with {} {} linecolor rgb series_{} linewidth 2 dashtype {}",
                          s, plot.steps ? "steps" : "linespoints", name, which + 1,
                          !series.dashed   ? look.dash
                          : *series.dashed ? 2
                                           : 1);
    if (plot.steps) continue;
    const std::size_t points = series.x.size();
    script += fmt::format(" pointtype {} pointsize 0.6 pointinterval {}", look.marker,
                          points > 2 * kMarkersPerSeries ? points / kMarkersPerSeries : 1);
  }
  return script + '\n';
}

}  // namespace

PlotScript script_of(const Plot& plot) {
  bool anything = false;
  for (const Series& series : plot.series) {
    if (series.x.size() != series.y.size())
      fail("plot '{}', series '{}': expected as many y as x values ({}), found {}", plot.title, series.label,
           series.x.size(), series.y.size());
    if (!series.error.empty() && series.error.size() != series.x.size())
      fail("plot '{}', series '{}': expected as many errors as x values ({}), found {}", plot.title,
           series.label, series.x.size(), series.error.size());
    for (std::size_t i = 0; i < series.x.size(); ++i)
      anything = anything || (drawable(series.x[i], plot.log_x) && drawable(series.y[i], plot.log_y));
  }
  if (!anything)
    return {plot.title, plot.description, "", fmt::format("nothing to plot in '{}'", plot.title)};
  return {plot.title, plot.description, gnuplot_script(plot), ""};
}

RenderedPlot render_svg(const Plot& plot) {
  return run_gnuplot(script_of(plot));
}

std::string write_svg(const Plot& plot, const std::filesystem::path& path) {
  return write_rendered(render_svg(plot), path);
}

}  // namespace jsc
