#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "apps/report/plot.hpp"
#include "engine/error.hpp"

using namespace jsc;
namespace fs = std::filesystem;

namespace {

Plot plot_of(std::vector<Series> series) {
  Plot plot;
  plot.title = "t";
  plot.series = std::move(series);
  return plot;
}

bool have_gnuplot() {
  const bool found = render_svg(plot_of({{"a", {0, 1}, {0, 1}}})).problem.empty();
  if (!found) WARN("gnuplot is not installed: plots are not tested");
  return found;
}

// Loss by epoch as `jsc-train train` draws it. JSC_TEST_PLOT=FILE keeps a copy to look at.
Plot loss_plot() {
  Plot plot = plot_of({{"train_loss", {}, {}}, {"validation's loss", {}, {}}});
  plot.title = "Loss of jsc-toy <best epoch 7>";
  plot.description = "Training & validation loss fall";
  plot.x_label = "epoch";
  plot.y_label = "cross-entropy (nats)";
  for (int e = 1; e <= 10; ++e) {
    for (Series& series : plot.series) series.x.push_back(e);
    plot.series[0].y.push_back(0.80 + 0.5 / e);
    plot.series[1].y.push_back(0.82 + 0.4 / e);
  }
  return plot;
}

struct Scratch {
  fs::path path = fs::temp_directory_path() / ("jsc_plot_" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(path); }
  ~Scratch() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("a plot is an SVG that says in words what it shows") {
  if (!have_gnuplot()) return;
  const RenderedPlot rendered = render_svg(loss_plot());
  REQUIRE(rendered.problem.empty());
  CHECK_THAT(rendered.svg, Catch::Contains("<title>Loss of jsc-toy &lt;best epoch 7&gt;</title>"));
  CHECK_THAT(rendered.svg, Catch::Contains("<desc>Training &amp; validation loss fall</desc>"));
  CHECK_THAT(rendered.svg, Catch::Contains("role=\"img\""));
  CHECK_THAT(rendered.svg, Catch::Contains("train_loss") && Catch::Contains("validation's loss"));
  CHECK_THAT(rendered.svg, Catch::Contains("stroke-dasharray"));  // not by color alone
  if (const char* copy = std::getenv("JSC_TEST_PLOT")) CHECK(write_svg(loss_plot(), copy).empty());
}

TEST_CASE("gaps and log axes are drawn with what can be drawn") {
  if (!have_gnuplot()) return;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Plot plot = plot_of({{"a", {0, 1, 10, 100, 1000}, {1, nan, 1e-3, 1e-2, -1}}, {"empty", {}, {}}});
  plot.log_x = plot.log_y = true;
  CHECK(render_svg(plot).problem.empty());
}

TEST_CASE("a single epoch is a plot too") {
  if (!have_gnuplot()) return;
  CHECK(render_svg(plot_of({{"a", {1}, {0.5}}})).problem.empty());
}

TEST_CASE("text cannot leave its quotes in the gnuplot script") {
  if (!have_gnuplot()) return;
  Plot plot = loss_plot();
  plot.title = "it's'; system 'touch planted'\nexit 3";
  plot.series[0].label = "`touch planted`";
  CHECK(render_svg(plot).problem.empty());
  CHECK_FALSE(fs::exists("planted"));
}

TEST_CASE("nothing to plot is a problem with a reason, unequal lengths are an error") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(render_svg(plot_of({{"a", {1, 2}, {nan, nan}}})).problem == "nothing to plot in 't'");
  CHECK_THROWS_WITH(render_svg(plot_of({{"a", {1, 2}, {1}}})),
                    "plot 't', series 'a': expected as many y as x values (2), found 1");
}

TEST_CASE("a missing gnuplot is reported in one line and leaves no file") {
  const Scratch scratch;
  const std::string path = std::getenv("PATH");
  setenv("PATH", scratch.path.c_str(), 1);
  const std::string problem = write_svg(loss_plot(), scratch.path / "loss.svg");
  setenv("PATH", path.c_str(), 1);
  CHECK(problem == "gnuplot is not installed (package gnuplot-nox)");
  CHECK(fs::is_empty(scratch.path));
}

TEST_CASE("a plot's file appears complete or not at all") {
  if (!have_gnuplot()) return;
  const Scratch scratch;
  CHECK(write_svg(loss_plot(), scratch.path / "loss.svg").empty());
  std::stringstream svg;
  svg << std::ifstream(scratch.path / "loss.svg").rdbuf();
  CHECK_THAT(svg.str(), Catch::EndsWith("</svg>\n\n"));
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 1);
  CHECK_THAT(write_svg(loss_plot(), scratch.path / "missing" / "loss.svg"),
             Catch::Contains("loss.svg") && Catch::Contains("No such file"));
}

TEST_CASE("numbers stand at an axis where they are asked for, unless they would stand on each other") {
  if (!have_gnuplot()) return;
  Plot plot = plot_of({{"a", {64, 100, 101, 1024}, {1, 2, 3, 4}}});
  plot.log_x = true;
  plot.x_tics = plot.series[0].x;
  const std::string svg = render_svg(plot).svg;
  for (const char* there : {">64<", ">100<", ">1024<"}) CHECK_THAT(svg, Catch::Contains(there));
  CHECK_THAT(svg, !Catch::Contains(">101<") && !Catch::Contains(">1000<"));
}

TEST_CASE("a long key makes the plot higher, not its curves lower") {
  if (!have_gnuplot()) return;
  Plot plot;
  plot.title = "t";
  plot.width = 470;
  plot.height = 330;
  for (int i = 0; i < 8; ++i)
    plot.series.push_back({fmt::format("learning rate {}, batch size 1024", i), {0, 1}, {0, 1}});
  CHECK_THAT(render_svg(plot).svg, Catch::Contains("viewBox=\"0 0 470 449\""));
  plot.series.resize(1);
  CHECK_THAT(render_svg(plot).svg, Catch::Contains("viewBox=\"0 0 470 330\""));
}
