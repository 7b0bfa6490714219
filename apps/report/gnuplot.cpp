#include "apps/report/gnuplot.hpp"

#include <fmt/format.h>

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
  return fmt::format(
      "set encoding utf8\n"
      "set terminal svg size {},{} dynamic rounded {} font 'sans-serif,14' background '#ffffff'\n"
      "set border 3 linecolor '#555555'\nset tics out nomirror textcolor '#333333'\n"
      "set grid linecolor '#e4e4e4' linewidth 1 dashtype solid\n"
      "set title {} textcolor '#000000' noenhanced\n",
      width, height, enhanced ? "enhanced" : "noenhanced", gnuplot_string(title));
}

RenderedPlot run_gnuplot(const std::string& script, std::string_view title, std::string_view description) {
  // -d: the user's ~/.gnuplot must not change our plots.
  ChildOutput child = run_child({"gnuplot", "-d"}, script);
  if (child.not_found) return {"", "gnuplot is not installed (package gnuplot-nox)"};
  if (!child.problem.empty()) return {"", child.problem};
  if (child.out.find("</svg>") == std::string::npos) return {"", "gnuplot ended without a plot"};
  describe(child.out, title, description);
  return {std::move(child.out), ""};
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
