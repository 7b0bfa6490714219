#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "apps/report/progress.hpp"
#include "apps/report/terminal.hpp"

using namespace jsc;
using Mode = ProgressOutput::Mode;

namespace {

// A clock that the test moves and a string that collects what would be shown.
struct Stage {
  double now = 100;
  int clock_calls = 0;
  std::string shown;
  ProgressOutput output(Mode mode, int width = 80) {
    return {mode, width,
            [this] {
              ++clock_calls;
              return now;
            },
            [this](std::string_view text) { shown += text; }};
  }
  std::string take() { return std::exchange(shown, ""); }
};

}  // namespace

TEST_CASE("on a terminal the bar shows part, rate and remaining time") {
  Stage stage;
  Progress progress("epoch 1/2", 1000, "jets", stage.output(Mode::bar));
  stage.now += 1;
  progress.note("loss 0.81");
  progress.update(250);
  CHECK(stage.take() ==
        "\repoch 1/2 [======                    ]  25 %  250 jets/s, 3.0 s left, loss 0.81\x1b[K");
}

TEST_CASE("the bar is redrawn at most ten times a second") {
  Stage stage;
  Progress progress("load", 1000000, "rows", stage.output(Mode::bar));
  for (int i = 0; i < 1000; ++i) {
    stage.now += 0.001;
    progress.update(1000 * i);
  }
  const std::string shown = stage.take();
  const auto redraws = std::count(shown.begin(), shown.end(), '\r');
  CHECK(redraws >= 9);
  CHECK(redraws <= 10);
}

TEST_CASE("the bar never reaches the last column of the terminal") {
  for (int width : {10, 20, 40, 60, 200}) {
    Stage stage;
    Progress progress("epoch 1/2", 1000, "jets", stage.output(Mode::bar, width));
    stage.now += 1;
    progress.update(1500);  // more than was announced
    std::string shown = stage.take();
    REQUIRE(shown.size() > 4);
    shown = shown.substr(1, shown.size() - 4);  // without \r and the erasing sequence
    CAPTURE(width, shown);
    CHECK(display_width(shown) < width);
  }
}

TEST_CASE("the bar ends clean: it is erased once") {
  Stage stage;
  auto progress = std::make_unique<Progress>("load", 10, "rows", stage.output(Mode::bar));
  stage.now += 2;
  progress->update(10);
  stage.take();
  SECTION("finished") {
    progress->finish();
    CHECK(stage.take() == "\r\x1b[K");
    progress.reset();
    CHECK(stage.take().empty());
  }
  SECTION("left early") {
    progress.reset();
    CHECK(stage.take() == "\r\x1b[K");
  }
  SECTION("another line is printed above it") {
    progress->print("epoch 1: loss 0.9");
    CHECK(stage.take() == "\r\x1b[Kepoch 1: loss 0.9\n");
    progress.reset();
    CHECK(stage.take().empty());
  }
}

TEST_CASE("elsewhere plain lines come every ten seconds, and none for a short loop") {
  Stage stage;
  Progress progress("load", 1000, "rows", stage.output(Mode::lines));
  for (int i = 0; i < 25; ++i) {
    stage.now += 1;
    progress.update(10 * (i + 1));
    if (i == 8) CHECK(stage.shown.empty());
  }
  CHECK(stage.take() ==
        "load: 100 of 1,000 rows (10 %), 10.0 rows/s, 1 m 30 s left\n"
        "load: 200 of 1,000 rows (20 %), 10.0 rows/s, 1 m 20 s left\n");
}

TEST_CASE("an unknown total has no bar and no remaining time") {
  Stage stage;
  Progress bar("read", 0, "rows", stage.output(Mode::bar));
  Progress lines("read", 0, "rows", stage.output(Mode::lines));
  stage.now += 10;
  bar.update(50);
  CHECK(stage.take() == "\rread: 50 rows, 5.00 rows/s\x1b[K");
  lines.update(50);
  CHECK(stage.take() == "read: 50 rows, 5.00 rows/s\n");
}

TEST_CASE("quiet progress says nothing and does not look at the clock") {
  Stage stage;
  {
    Progress progress("load", 10, "rows", stage.output(Mode::quiet));
    stage.now += 100;
    progress.update(10);
    progress.print("text");
    progress.finish();
  }
  CHECK(stage.shown.empty());
  CHECK(stage.clock_calls == 0);
}
