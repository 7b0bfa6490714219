// Whether more threads make the steps of a training faster. That depends on the network, the batch and on how
// far the processors are from each other (in guests of a busy host more than on a desk), so it is tried: some
// steps with all threads, some with one, and the rest of a period with what was faster. The results have the
// same bits either way, but for OpenBLAS's.
#pragma once

#include <array>
#include <chrono>

namespace jsc {

class ThreadChoice {
 public:
  explicit ThreadChoice(int threads) : most_(threads) {}

  // For the next step.
  int threads() const {
    if (step_ >= 2 * kTrial) return better_;
    return step_ < kTrial ? most_ : 1;
  }
  // Which took so long; the time of a step that is not tried does not matter.
  void took(std::chrono::nanoseconds time);
  // Calls step(threads) for the next step. A clock is read only in a trial: small steps take 1 us.
  template <class Step>
  void run(const Step& step) {
    using Clock = std::chrono::steady_clock;
    const bool tried = most_ > 1 && step_ < 2 * kTrial;
    const Clock::time_point start = tried ? Clock::now() : Clock::time_point{};
    step(threads());
    took(tried ? Clock::now() - start : std::chrono::nanoseconds{});
  }

  static constexpr int kTrial = 16, kPeriod = 1024;  // steps; a period is begun by a trial of both

 private:
  // The first steps of a trial, by which data come to the processors that use them, are not counted.
  static constexpr int kIgnored = 5;
  std::chrono::nanoseconds median();

  int most_, better_ = 1, step_ = 0;
  std::array<std::chrono::nanoseconds, kTrial - kIgnored> times_{};
  std::chrono::nanoseconds with_most_{};
};

}  // namespace jsc
