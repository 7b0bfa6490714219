#include "apps/training/thread_choice.hpp"

#include <algorithm>
#include <cstddef>

namespace jsc {

void ThreadChoice::took(std::chrono::nanoseconds time) {
  if (const int counted = step_ % kTrial - kIgnored; step_ < 2 * kTrial && counted >= 0)
    times_[static_cast<std::size_t>(counted)] = time;
  step_ = (step_ + 1) % kPeriod;
  if (step_ == kTrial) with_most_ = median();
  if (step_ == 2 * kTrial) better_ = with_most_ <= median() ? most_ : 1;
}

std::chrono::nanoseconds ThreadChoice::median() {
  const auto middle = times_.begin() + times_.size() / 2;
  std::nth_element(times_.begin(), middle, times_.end());
  return *middle;
}

}  // namespace jsc
