#include "apps/report/roc.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.hpp"

namespace jsc {

Roc::Roc(std::span<const float> scores, const std::vector<bool>& signal) {
  JSC_ASSERT(scores.size() == signal.size());
  std::vector<std::pair<float, bool>> rows(scores.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = {scores[i], signal[i]};
  std::ranges::sort(rows, [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ++(rows[i].second ? signal_ : background_);
    if (i + 1 == rows.size() || rows[i + 1].first != rows[i].first) steps_.push_back({signal_, background_});
  }
}

// Twice the rank sum is an integer: each signal row of a step beats the background after the step, and
// counts half for the background within.
std::optional<double> Roc::auc() const {
  if (signal_ == 0 || background_ == 0) return {};
  double doubled = 0;  // exact below 2^53
  Step before;
  for (const Step& step : steps_) {
    const std::int64_t above = step.signal - before.signal, equal = step.background - before.background;
    doubled += static_cast<double>(above) * static_cast<double>(2 * (background_ - step.background) + equal);
    before = step;
  }
  return doubled / (2.0 * static_cast<double>(signal_) * static_cast<double>(background_));
}

std::optional<double> Roc::background_efficiency(double signal_efficiency) const {
  if (signal_ == 0 || background_ == 0) return {};
  // Rounding in the product must not ask for one row more than there are.
  const double rows = signal_efficiency * static_cast<double>(signal_);
  const auto wanted = std::min(signal_, static_cast<std::int64_t>(std::ceil(rows - 1e-9 * rows)));
  const auto step = std::ranges::lower_bound(steps_, wanted, {}, [](const Step& s) { return s.signal; });
  return static_cast<double>(step->background) / static_cast<double>(background_);
}

}  // namespace jsc
