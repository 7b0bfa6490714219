#include "apps/report/progress.hpp"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "apps/report/format.hpp"
#include "apps/report/terminal.hpp"

namespace jsc {

namespace {

constexpr double kBarSeconds = 0.1;
constexpr double kLineSeconds = 10.0;
constexpr int kLongestBar = 40;
constexpr int kShortestBar = 8;

// The coarse clock is a few milliseconds rough and costs next to nothing, so it can be read at every step.
double coarse_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double interval(ProgressOutput::Mode mode) {
  return mode == ProgressOutput::Mode::bar ? kBarSeconds : kLineSeconds;
}

}  // namespace

ProgressOutput progress_on_stderr(bool quiet) {
  ProgressOutput output;
  if (!quiet)
    output.mode = can_redraw(STDERR_FILENO) ? ProgressOutput::Mode::bar : ProgressOutput::Mode::lines;
  if (const int width = terminal_width(STDERR_FILENO); width > 0) output.width = width;
  output.clock = coarse_seconds;
  output.sink = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
  return output;
}

Progress::Progress(std::string label, std::int64_t total, std::string unit, ProgressOutput output)
    : label_(std::move(label)), unit_(std::move(unit)), total_(total), output_(std::move(output)) {
  if (output_.mode == ProgressOutput::Mode::quiet) return;
  start_ = output_.clock();
  due_ = start_ + interval(output_.mode);
}

void Progress::show_if_due() {
  const double now = output_.clock();
  if (now < due_) return;
  due_ = now + interval(output_.mode);
  if (output_.mode == ProgressOutput::Mode::bar) {
    output_.sink('\r' + bar(now) + "\x1b[K");
    drawn_ = true;
  } else {
    output_.sink(line(now) + '\n');
  }
}

void Progress::finish() {
  if (drawn_) output_.sink("\r\x1b[K");
  drawn_ = false;
}

void Progress::print(std::string_view text) {
  if (output_.mode == ProgressOutput::Mode::quiet) return;
  finish();
  output_.sink(std::string(text) + '\n');
  due_ = std::min(due_, output_.clock() + kBarSeconds);
}

std::string Progress::rate_and_rest(double now) const {
  const double rate = static_cast<double>(done_) / std::max(now - start_, 1e-9);
  std::string text = format_rate(rate, unit_);
  if (total_ > 0 && rate > 0) {
    const auto rest = static_cast<double>(std::max<std::int64_t>(total_ - done_, 0));
    text += ", " + format_seconds(rest / rate) + " left";
  }
  if (!note_.empty()) text += ", " + note_;
  return text;
}

std::string Progress::bar(double now) const {
  if (total_ <= 0) {
    const std::string text = line(now);
    return text.substr(0, prefix_within(text, output_.width - 1));
  }
  const double part = std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
  const std::string right = fmt::format(" {:3.0f} %  {}", 100 * part, rate_and_rest(now));
  // The last column stays free: some terminals wrap there.
  const int room = output_.width - 1 - display_width(label_) - display_width(right) - 3;
  std::string text = label_;
  if (room >= kShortestBar) {
    const auto length = static_cast<std::size_t>(std::min(room, kLongestBar));
    const auto filled = static_cast<std::size_t>(part * static_cast<double>(length));
    text += " [" + std::string(filled, '=') + std::string(length - filled, ' ') + ']';
  }
  text += right;
  return text.substr(0, prefix_within(text, output_.width - 1));
}

std::string Progress::line(double now) const {
  std::string text = fmt::format("{}: {}", label_, format_count(done_));
  if (total_ > 0)
    text += fmt::format(" of {} {} ({:.0f} %)", format_count(total_), unit_,
                        100 * static_cast<double>(done_) / static_cast<double>(total_));
  else
    text += ' ' + unit_;
  return text + ", " + rate_and_rest(now);
}

}  // namespace jsc
