#include "apps/report/gnuplot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/report/palette.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/child_process.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace {

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

// Gnuplot names itself in <title> and <desc>; a reader wants to hear what the picture shows.
void describe(std::string& svg, std::string_view title, std::string_view description) {
  const auto replace = [&](std::string_view begin, std::string_view end, const std::string& with) {
    const std::size_t from = svg.find(begin);
    const std::size_t to = from == std::string::npos ? from : svg.find(end, from);
    if (to != std::string::npos) svg.replace(from, to + end.size() - from, with);
  };
  replace("<title>", "</title>", fmt::format("<title>{}</title>", xml(title)));
  replace("<desc>", "</desc>", fmt::format("<desc>{}</desc>", xml(description)));
  replace("<svg", " ", "<svg role=\"img\" ");
}

std::vector<std::string> split_svgs(const std::string& text) {
  std::vector<std::string> svgs;
  for (std::size_t from = text.find("<?xml"); from != std::string::npos;) {
    const std::size_t next = text.find("<?xml", from + 1);
    std::string svg = text.substr(from, next == std::string::npos ? next : next - from);
    if (svg.find("</svg>") != std::string::npos) svgs.push_back(std::move(svg));
    from = next;
  }
  return svgs;
}

// Scripts say "linecolor rgb plot_axis".
std::string variable(const Paint& paint) {
  std::string name(paint.name);
  std::ranges::replace(name, '-', '_');
  return name;
}

constexpr const char* kNotInstalled = "gnuplot is not installed (package gnuplot-nox)";

}  // namespace

// Between single quotes only the quote itself is special.
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

std::string gnuplot_head(std::string_view title, int width, int height, bool enhanced) {
  std::string head;
  for (const Paint& paint : kPaints) head += fmt::format("{} = '{}'\n", variable(paint), paint.drawn);
  head += fmt::format(
      "set encoding utf8\n"
      "set terminal svg size {},{} dynamic rounded {} font 'sans-serif,14' background rgb plot_paper\n"
      "set border 3 linecolor rgb plot_axis\nset tics out nomirror textcolor rgb plot_text\n"
      "set grid linecolor rgb plot_grid linewidth 1 dashtype solid\n",
      width, height, enhanced ? "enhanced" : "noenhanced");
  if (!title.empty())
    head += fmt::format("set title {} textcolor '#000000' noenhanced\n", gnuplot_string(title));
  return head;
}

RenderedPlot run_gnuplot(const PlotScript& plot) {
  if (!plot.problem.empty()) return {"", plot.problem};
  // -d: the user's ~/.gnuplot must not change our plots.
  ChildOutput child = run_child({"gnuplot", "-d"}, plot.script);
  if (child.not_found) return {"", kNotInstalled};
  if (!child.problem.empty()) return {"", child.problem};
  if (child.out.find("</svg>") == std::string::npos) return {"", "gnuplot ended without a plot"};
  describe(child.out, plot.title, plot.description);
  return {std::move(child.out), ""};
}

// Every plot sets the terminal anew, which ends one SVG and begins the next. If one of them fails, they are
// drawn one by one to find out which.
std::vector<RenderedPlot> run_gnuplot(std::span<const PlotScript> plots) {
  std::string script;
  std::size_t expected = 0;
  for (const PlotScript& plot : plots) {
    if (!plot.problem.empty()) continue;
    script += "reset\n" + plot.script + "\n";
    ++expected;
  }
  std::vector<std::string> drawn;
  ChildOutput child;
  if (expected > 0) child = run_child({"gnuplot", "-d"}, script);
  if (child.problem.empty()) drawn = split_svgs(child.out);
  const bool together = drawn.size() == expected;

  std::vector<RenderedPlot> rendered;
  std::size_t next = 0;
  for (const PlotScript& plot : plots) {
    if (!plot.problem.empty()) {
      rendered.push_back({"", plot.problem});
    } else if (child.not_found) {
      rendered.push_back({"", kNotInstalled});
    } else if (together) {
      describe(drawn[next], plot.title, plot.description);
      rendered.push_back({std::move(drawn[next++]), ""});
    } else {
      rendered.push_back(run_gnuplot(plot));
    }
  }
  return rendered;
}

std::string write_rendered(const RenderedPlot& rendered, const std::filesystem::path& path) {
  if (!rendered.problem.empty()) return rendered.problem;
  try {
    write_file(path.string(), rendered.svg);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace jsc
