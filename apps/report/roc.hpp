// How well a score tells one class (signal) from all others (background). Pure arithmetic over the scores;
// equal scores are never told apart.
//
// At a threshold t, efficiency is the share of rows with score >= t:
//   signal efficiency      S(t) = |{signal: score >= t}| / |signal|        background efficiency B(t)
//   likewise
// AUC is the probability that a signal row scores above a background row, ties counting one half: the
// rank-sum statistic (Mann and Whitney, 1947),
//   AUC = (sum over signal of (background below + background equal / 2)) / (|signal| |background|)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace jsc {

class Roc {
 public:
  // One score a row (not NaN; infinities are fine), and whether the row is signal.
  Roc(std::span<const float> scores, const std::vector<bool>& signal);

  std::int64_t signal() const { return signal_; }
  std::int64_t background() const { return background_; }

  // None without signal or without background rows.
  std::optional<double> auc() const;

  // B(t) at the highest threshold t with S(t) >= signal_efficiency, which lies in (0, 1]. None without signal
  // or without background rows.
  std::optional<double> background_efficiency(double signal_efficiency) const;

 private:
  struct Step {  // rows with score >= that of the step; steps by descending score
    std::int64_t signal = 0, background = 0;
  };
  std::vector<Step> steps_;
  std::int64_t signal_ = 0, background_ = 0;
};

}  // namespace jsc
