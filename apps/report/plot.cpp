#include "apps/report/plot.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "apps/support/atomic_file.hpp"
#include "engine/error.hpp"

extern char** environ;

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

// A gnuplot string constant. Between single quotes only the quote itself is special.
std::string gnuplot_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ')
      out += ' ';
    else
      out.append(c == '\'' ? 2 : 1, c);
  }
  return out + '\'';
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string gnuplot_script(const Plot& plot) {
  std::string script = fmt::format(
      "set encoding utf8\n"
      "set terminal svg size {},{} dynamic rounded noenhanced font 'sans-serif,14' background '#ffffff'\n"
      "set border 3 linecolor '#555555'\nset tics out nomirror textcolor '#333333'\n"
      "set grid linecolor '#e4e4e4' linewidth 1 dashtype solid\n"
      "set key bmargin center horizontal Left reverse samplen 4 textcolor '#333333'\n"
      "set autoscale xfix\nset offsets graph 0.02, graph 0.02, 0, 0\n"
      "set title {} textcolor '#000000'\nset xlabel {} textcolor '#333333'\nset ylabel {} textcolor "
      "'#333333'\n",
      plot.width, plot.height, gnuplot_string(plot.title), gnuplot_string(plot.x_label),
      gnuplot_string(plot.y_label));
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

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary_file() {
  return {std::tmpfile(), std::fclose};
}

std::string content(std::FILE* file) {
  std::string text;
  std::array<char, 4096> buffer{};
  std::rewind(file);
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file))
    text.append(buffer.data(), n);
  return text;
}

// Runs gnuplot without a shell, the script as its standard input. Files, not pipes, so that neither side ever
// waits for the other.
RenderedPlot run_gnuplot(const std::string& script) {
  const File in = temporary_file(), out = temporary_file(), err = temporary_file();
  if (!in || !out || !err)
    return {"", fmt::format("no temporary file for gnuplot: {}", std::strerror(errno))};
  if (std::fwrite(script.data(), 1, script.size(), in.get()) != script.size() || std::fflush(in.get()) != 0)
    return {"", fmt::format("could not write the data for gnuplot: {}", std::strerror(errno))};
  std::rewind(in.get());

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(err.get()), STDERR_FILENO);
  std::array<char, 8> name = {"gnuplot"};
  std::array<char, 3> no_settings = {"-d"};  // the user's ~/.gnuplot must not change our plots
  const std::array<char*, 3> arguments = {name.data(), no_settings.data(), nullptr};
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, name.data(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (spawned == ENOENT) return {"", "gnuplot is not installed (package gnuplot-nox)"};
  if (spawned != 0) return {"", fmt::format("gnuplot could not be started: {}", std::strerror(spawned))};

  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return {"", fmt::format("gnuplot was lost: {}", std::strerror(errno))};
  }
  std::string svg = content(out.get());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && svg.find("</svg>") != std::string::npos)
    return {std::move(svg), ""};
  std::string message = content(err.get());
  std::replace(message.begin(), message.end(), '\n', ' ');
  return {"", fmt::format("gnuplot failed (status {}): {}", status, message)};
}

// Gnuplot names itself in <title> and <desc>; a reader wants to hear what the picture shows.
void describe(std::string& svg, const Plot& plot) {
  const auto replace = [&](std::string_view begin, std::string_view end, const std::string& with) {
    const std::size_t from = svg.find(begin);
    const std::size_t to = from == std::string::npos ? from : svg.find(end, from);
    if (to != std::string::npos) svg.replace(from, to + end.size() - from, with);
  };
  replace("<title>", "</title>", fmt::format("<title>{}</title>", xml(plot.title)));
  replace("<desc>", "</desc>", fmt::format("<desc>{}</desc>", xml(plot.description)));
  replace("<svg", " ", "<svg role=\"img\" ");
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
  RenderedPlot rendered = run_gnuplot(gnuplot_script(plot));
  describe(rendered.svg, plot);
  return rendered;
}

std::string write_svg(const Plot& plot, const std::filesystem::path& path) {
  const RenderedPlot rendered = render_svg(plot);
  if (!rendered.problem.empty()) return rendered.problem;
  try {
    write_file(path.string(), rendered.svg);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace jsc
