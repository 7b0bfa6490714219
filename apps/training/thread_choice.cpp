#include "apps/training/thread_choice.hpp"

#include <algorithm>
#include <cstddef>

namespace jsc {

void ThreadChoice::took(std::chrono::nanoseconds time) {
  const int trial_step = step_ % kTrial;
  if (step_ < 2 * kTrial && trial_step >= kIgnored) {
    times_[static_cast<std::size_t>(trial_step - kIgnored)] = time;
    if (trial_step == kTrial - 1) {
      const auto median = times_.begin() + times_.size() / 2;
      std::nth_element(times_.begin(), median, times_.end());
      if (step_ < kTrial)
        with_most_ = *median;
      else
        better_ = with_most_ <= *median ? most_ : 1;
    }
  }
  step_ = (step_ + 1) % kPeriod;
}

}  // namespace jsc
