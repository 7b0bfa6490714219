// The result of a sweep: one row for each combination of the swept options, with the mean and the standard
// deviation over its seeds.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "apps/report/table.hpp"
#include "apps/sweep/sweep_plan.hpp"
#include "apps/sweep/trial.hpp"

namespace jsc {

struct SweepMetric {
  std::string_view key, title;
  double TrialResult::*value;
  int decimals;
  bool larger_is_better;
};

// All of the best epoch, that of the smallest validation loss.
inline constexpr std::array<SweepMetric, 6> kSweepMetrics = {
    {{"train_loss", "Training loss", &TrialResult::train_loss, 4, false},
     {"val_loss", "Validation loss", &TrialResult::val_loss, 4, false},
     {"val_accuracy", "Validation accuracy", &TrialResult::val_accuracy, 4, true},
     {"test_loss", "Test loss", &TrialResult::test_loss, 4, false},
     {"test_accuracy", "Test accuracy", &TrialResult::test_accuracy, 4, true},
     {"seconds", "Seconds", &TrialResult::seconds, 1, false}}};

struct MeanAndDeviation {
  double mean = 0;
  double deviation = 0;  // of the sample, sqrt(sum (x - mean)^2 / (n - 1)); 0 for one value
  int count = 0;
};

MeanAndDeviation mean_and_deviation(const std::vector<double>& values);

struct SweepRow {
  std::vector<std::size_t> trials;                             // one a seed
  std::array<MeanAndDeviation, kSweepMetrics.size()> metrics;  // over those that did not fail
  std::vector<std::size_t> failed;                             // trials
};

// In the order of the plan.
std::vector<SweepRow> sweep_rows(const SweepPlan& plan, const std::vector<TrialResult>& results);

// COLUMN, COLUMN:asc or COLUMN:desc; accuracies begin with the largest unless told otherwise, everything else
// with the smallest. Rows without a finished trial come last.
struct SweepOrder {
  std::string column;
  bool descending = false;
};
// Throws Error naming the columns if there is no such column.
SweepOrder parse_order(const std::string& text, const SweepPlan& plan);
void sort_rows(std::vector<SweepRow>& rows, const SweepOrder& order, const SweepPlan& plan);

// For people: 0.9919 ± 0.0021. A last column tells what failed, if anything did.
Table sweep_table(const SweepPlan& plan, const std::vector<TrialResult>& results,
                  const std::vector<SweepRow>& rows);
// For programs: every digit, means and deviations in columns of their own.
Table sweep_csv(const SweepPlan& plan, const std::vector<TrialResult>& results,
                const std::vector<SweepRow>& rows);
Table trials_csv(const SweepPlan& plan, const std::vector<TrialResult>& results);
std::string sweep_json(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows);

}  // namespace jsc
