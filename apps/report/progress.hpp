// Progress of a long loop with its rate and the remaining time.
//
//   Progress progress("epoch 3/10", rows, "jets", quiet);
//   while (...) progress.update(rows_done);
//
// On a terminal a bar is redrawn, at most ten times a second, and erased at the end; elsewhere a plain line
// appears every ten seconds, so a short loop leaves no trace in a log. update() costs a few nanoseconds
// between the updates. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace jsc {

// Where progress goes and how; tests give a clock and a sink of their own.
struct ProgressOutput {
  enum class Mode { quiet, lines, bar };
  Mode mode = Mode::quiet;
  int width = 80;                              // columns of the terminal, for the bar
  std::function<double()> clock;               // seconds, never backwards
  std::function<void(std::string_view)> sink;  // text to show at once
};

// Standard error: a bar if it is a terminal that can redraw, lines otherwise, nothing when quiet.
ProgressOutput progress_on_stderr(bool quiet);

class Progress {
 public:
  // `total` 0: unknown; then there is no bar and no remaining time. `unit` is plural: "jets".
  Progress(std::string label, std::int64_t total, std::string unit, bool quiet)
      : Progress(std::move(label), total, std::move(unit), progress_on_stderr(quiet)) {}
  Progress(std::string label, std::int64_t total, std::string unit, ProgressOutput output);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // How many are done by now.
  void update(std::int64_t done) {
    done_ = done;
    if (output_.mode != ProgressOutput::Mode::quiet) show_if_due();
  }

  // Text at the end of the bar or line, such as the current loss.
  void note(std::string text) { note_ = std::move(text); }

  // Prints a line of the caller's above the bar; nothing when quiet.
  void print(std::string_view line);

  // Erases the bar; the caller's own words follow.
  void finish();

 private:
  void show_if_due();
  std::string bar(double now) const;
  std::string line(double now) const;
  std::string rate_and_rest(double now) const;

  std::string label_;
  std::string unit_;
  std::int64_t total_;
  ProgressOutput output_;
  std::string note_;
  std::int64_t done_ = 0;
  double start_ = 0;
  double due_ = 0;
  bool drawn_ = false;
};

}  // namespace jsc
