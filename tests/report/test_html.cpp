#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "apps/report/html.hpp"
#include "apps/report/inline_svg.hpp"
#include "apps/report/palette.hpp"
#include "apps/report/plot.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

Plot line(const std::string& title, std::vector<double> y) {
  Plot plot;
  plot.title = title;
  plot.description = "goes <up> & \"down\"";
  plot.series = {{"a < b", {}, {}}};
  for (std::size_t i = 0; i < y.size(); ++i) plot.series[0].x.push_back(static_cast<double>(i));
  plot.series[0].y = std::move(y);
  return plot;
}

Table small_table() {
  Table table({"class", "count, all"}, {Align::left, Align::right});
  table.add_row({"<b> \"q\" & 100%", "17"});
  table.add_row({"zwei\nZeilen", "-3"});
  return table;
}

std::string html_of(const Page& page) {
  std::vector<std::string> problems;
  std::string html = page.html(problems);
  for (const std::string& problem : problems) WARN(problem);
  return html;
}

std::ptrdiff_t count(const std::string& text, const std::string& part) {
  std::ptrdiff_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool have_gnuplot() {
  const bool found = render_svg(line("t", {1, 2})).problem.empty();
  if (!found) WARN("gnuplot is not installed: plots are not tested");
  return found;
}

// What a browser makes of the address of a download.
std::string decoded(const std::string& uri) {
  std::string text;
  for (std::size_t i = uri.find(',') + 1; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      text += uri[i];
      continue;
    }
    text += static_cast<char>(std::stoi(uri.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return text;
}

}  // namespace

TEST_CASE("text of a page is text, wherever it stands") {
  const std::string evil = "<script>alert('x')</script> \"&";
  Page page(evil, evil);
  page.section(evil);
  page.text(evil);
  page.figures({{evil, evil}});
  page.facts({{evil, evil, true}});
  Table table({evil}, {});
  table.add_row({evil});
  page.table(table, {.caption = evil, .file = evil, .links = {evil}});
  Plot plot = line(evil, {1, 2});
  plot.series[0].label = evil;
  page.plot(script_of(plot), table, {.caption = evil, .note = evil, .file = evil});
  const std::string html = html_of(page);
  CHECK_THAT(html, !Contains("<script"));
  CHECK_THAT(html, Contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;&amp;"));
}

TEST_CASE("a table's download is its CSV") {
  Page page("k", "t");
  page.table(small_table(), {.caption = "c", .file = "small"});
  const std::string html = html_of(page);
  const std::size_t from = html.find("data:text/csv");
  REQUIRE(from != std::string::npos);
  CHECK(decoded(html.substr(from, html.find('"', from) - from)) == small_table().csv());
  CHECK_THAT(html, Contains("download=\"small.csv\""));
}

TEST_CASE("plots of a page are drawn with its colors and share no identifier") {
  if (!have_gnuplot()) return;
  Page page("k", "t");
  for (const char* title : {"one", "two", "three"})
    page.plot(script_of(line(title, {3, 1, 2})), small_table(), {.caption = title});
  const std::string html = html_of(page);
  CHECK(count(html, "<figure>") == 3);
  CHECK(count(html, "class=\"marks\"") == 3);
  CHECK(count(html, "id='gpDot'") == 1);
  CHECK(count(html, "id=\"gnuplot") == 0);
  CHECK(count(html, "role=\"img\"") == 3);
  CHECK_THAT(html, Contains("<desc>goes &lt;up&gt; &amp; \"down\"</desc>") && Contains("aria-label=\"two\""));
  CHECK_THAT(html, Contains("stroke=\"var(--series-1)\"") && Contains("--series-1:#56b4e9"));
  // No color of the drawing is left that would stay the same in the dark.
  for (const char* left : {"rgb(", "#ffffff\"", "\"black\""})
    CHECK(count(html.substr(html.find("<figure>")), left) == 0);
}

TEST_CASE("a plot that gnuplot refuses leaves the others and its numbers") {
  if (!have_gnuplot()) return;
  Page page("k", "t");
  page.plot(script_of(line("good", {3, 1, 2})), small_table(), {.caption = "good"});
  page.plot({"bad", "", "plot nonsense(", ""}, small_table(), {.caption = "bad"});
  page.plot(script_of(line("empty", {})), small_table(), {.caption = "empty"});
  std::vector<std::string> problems;
  const std::string html = page.html(problems);
  CHECK(problems.size() == 2);
  CHECK(count(html, "class=\"marks\"") == 1);
  CHECK(count(html, "<details open>") == 2);
  CHECK_THAT(html,
             Contains("No plot: nothing to plot in &#39;empty&#39;") && Contains("No plot: gnuplot failed"));
}

TEST_CASE("a page without gnuplot says so once and shows the numbers") {
  Page page("k", "t");
  page.plot(script_of(line("one", {1, 2})), small_table(), {.caption = "one"});
  page.plot(script_of(line("two", {1, 2})), small_table(), {.caption = "two"});
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  std::vector<std::string> problems;
  const std::string html = page.html(problems);
  setenv("PATH", path.c_str(), 1);
  CHECK(problems == std::vector<std::string>{"gnuplot is not installed (package gnuplot-nox)"});
  CHECK(count(html, "No plot: gnuplot is not installed") == 2);
  CHECK(count(html, "<details open>") == 2);
}

TEST_CASE("several plots drawn by one gnuplot are those drawn one by one") {
  if (!have_gnuplot()) return;
  std::vector<PlotScript> scripts;
  for (const bool steps : {false, true, false}) {
    Plot plot = line("t", {1, 10, 100});
    plot.steps = steps;
    plot.log_y = !steps;
    if (steps) plot.x_range = AxisRange{0, 5};
    scripts.push_back(script_of(plot));
  }
  const std::vector<RenderedPlot> together = run_gnuplot(scripts);
  REQUIRE(together.size() == 3);
  const auto trimmed = [](const std::string& svg) { return svg.substr(0, svg.rfind("</svg>")); };
  for (std::size_t i = 0; i < 3; ++i) CHECK(trimmed(together[i].svg) == trimmed(run_gnuplot(scripts[i]).svg));
}
