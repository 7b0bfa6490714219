#include "apps/sweep/sweep_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace jsc {

namespace {

constexpr std::size_t kMostCurves = 8;
constexpr std::size_t kMostTics = 12;
constexpr double kLogFromRatio = 8;  // a logarithmic axis for values that are this far apart

struct Drawn {
  std::string_view metric;
  bool larger_is_better;
};
constexpr std::array<Drawn, 2> kDrawn = {{{"val_loss", false}, {"test_accuracy", true}}};

std::string words(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::size_t metric_index(std::string_view key) {
  return static_cast<std::size_t>(std::ranges::find(kSweepMetrics, key, &SweepMetric::key) -
                                  kSweepMetrics.begin());
}

std::string metric_title(std::string_view key) {
  std::string text(kSweepMetrics[metric_index(key)].title);
  text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

const Trial& first_trial(const SweepPlan& plan, const SweepRow& row) {
  return plan.trials[row.trials[0]];
}

std::string over_seeds(const SweepPlan& plan) {
  const std::size_t seeds = plan.options[plan.option("seed")].values.size();
  return seeds > 1 ? fmt::format(", mean over {} seeds", seeds) : "";
}

// "batch size 64, learning rate 0.001": the swept options.
std::string setting_in_words(const SweepPlan& plan, const Trial& trial) {
  std::vector<std::string> parts;
  for (const std::size_t i : plan.swept())
    parts.push_back(words(plan.options[i].key) + " " + plan.options[i].values[trial.choice[i]]);
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Numbers as they are; names as 0, 1, ...
struct Axis {
  std::vector<double> at;          // of each value
  std::vector<std::string> names;  // empty for numbers
  bool logarithmic = false;
};

Axis axis(const SweptOption& option) {
  Axis axis;
  for (const std::string& text : option.values) {
    double value = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || stop != text.data() + text.size()) break;
    axis.at.push_back(value);
  }
  if (axis.at.size() < option.values.size()) {
    axis.names = option.values;
    axis.at.clear();
    for (std::size_t i = 0; i < option.values.size(); ++i) axis.at.push_back(static_cast<double>(i));
    return axis;
  }
  const auto [low, high] = std::ranges::minmax(axis.at);
  axis.logarithmic = low > 0 && high / low >= kLogFromRatio;
  return axis;
}

Plot curves(const SweepPlan& plan, const std::vector<TrialResult>& results, std::vector<SweepRow> rows,
            const std::string& what, double EpochMetrics::*value) {
  std::erase_if(rows, [](const SweepRow& row) { return row.metrics[0].count == 0; });
  Plot plot;
  std::string which;
  if (rows.size() > kMostCurves) {
    std::vector<double> losses;
    for (const SweepRow& row : rows) losses.push_back(row.metrics[metric_index("val_loss")].mean);
    std::ranges::nth_element(losses, losses.begin() + kMostCurves);
    std::erase_if(rows, [&](const SweepRow& row) {
      return row.metrics[metric_index("val_loss")].mean >= losses[kMostCurves];
    });
    which = fmt::format(" (the best {})", rows.size());
  }
  plot.title = fmt::format("{} by epoch{}{}", what, over_seeds(plan), which);
  plot.description = fmt::format("{} by epoch, a curve for each setting{}{}", what, which, over_seeds(plan));
  plot.x_label = "epoch";
  plot.y_label = what;
  plot.whole_x = true;
  for (const SweepRow& row : rows) {
    Series series;
    series.label = setting_in_words(plan, first_trial(plan, row));
    if (series.label.empty()) series.label = plan.value(first_trial(plan, row), "model");
    for (std::size_t e = 0;; ++e) {
      std::vector<double> values;
      for (const std::size_t t : row.trials)
        if (results[t].state == TrialResult::State::done && e < results[t].epochs.size())
          values.push_back(results[t].epochs[e].*value);
      if (values.empty()) break;
      series.x.push_back(static_cast<double>(e + 1));
      series.y.push_back(mean_and_deviation(values).mean);
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

// Which value of some options, by option.
using Choice = std::map<std::size_t, std::size_t>;

// The metric over all finished trials with the same choice at these options; one pass, there may be many.
class ByChoice {
 public:
  ByChoice(const SweepPlan& plan, const std::vector<TrialResult>& results, const Choice& options,
           std::string_view metric) {
    std::map<Choice, std::vector<double>> values;
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
      if (results[t].state != TrialResult::State::done) continue;
      Choice choice = options;
      for (auto& [option, value] : choice) value = plan.trials[t].choice[option];
      values[choice].push_back(results[t].*kSweepMetrics[metric_index(metric)].value);
    }
    for (const auto& [choice, list] : values) found_[choice] = mean_and_deviation(list);
  }
  // Count 0 if there is none.
  MeanAndDeviation operator()(const Choice& choice) const {
    const auto found = found_.find(choice);
    return found == found_.end() ? MeanAndDeviation() : found->second;
  }

 private:
  std::map<Choice, MeanAndDeviation> found_;
};

// The combinations of the other options that get a curve each; one without a choice if they are too many, or
// change together with this one.
std::vector<Choice> groups(const SweepPlan& plan, std::size_t option) {
  std::vector<Choice> all = {{}};
  if (plan.paired) return all;
  for (const std::size_t other : plan.swept()) {
    if (other == option) continue;
    std::vector<Choice> longer;
    for (const auto& group : all)
      for (std::size_t v = 0; v < plan.options[other].values.size(); ++v) {
        longer.push_back(group);
        longer.back()[other] = v;
      }
    all = std::move(longer);
    if (all.size() > kMostCurves) return {{}};
  }
  return all;
}

Plot against_option(const SweepPlan& plan, const std::vector<TrialResult>& results, std::size_t option,
                    std::string_view metric) {
  const SweptOption& swept = plan.options[option];
  const Axis x = axis(swept);
  const std::vector<Choice> all = groups(plan, option);
  Choice options = all[0];
  options[option] = 0;
  const ByChoice found(plan, results, options, metric);
  const bool averaged = all.size() == 1 && !plan.paired && plan.swept().size() > 1;
  Plot plot;
  plot.title = fmt::format("{} against {}", metric_title(metric), words(swept.key));
  const std::string bars = averaged ? "mean and standard deviation over all other options and seeds"
                                    : "mean and standard deviation over the seeds";
  plot.description = fmt::format("{} for each value of {}, {}", metric_title(metric), words(swept.key), bars);
  plot.x_label = words(swept.key);
  plot.y_label = metric_title(metric);
  plot.log_x = x.logarithmic;
  plot.x_names = x.names;
  if (x.names.empty() && x.at.size() <= kMostTics) plot.x_tics = x.at;
  for (const auto& group : all) {
    Series series;
    series.label = bars;
    if (!group.empty()) {
      series.label.clear();
      for (const auto& [other, value] : group)
        series.label += fmt::format("{}{} {}", series.label.empty() ? "" : ", ",
                                    words(plan.options[other].key), plan.options[other].values[value]);
    }
    for (std::size_t v = 0; v < swept.values.size(); ++v) {
      Choice choice = group;
      choice[option] = v;
      const MeanAndDeviation m = found(choice);
      series.x.push_back(x.at[v]);
      series.y.push_back(m.count > 0 ? m.mean : std::numeric_limits<double>::quiet_NaN());
      series.error.push_back(m.deviation);
    }
    const bool any = std::ranges::any_of(series.y, [](double y) { return std::isfinite(y); });
    if (any) plot.series.push_back(std::move(series));  // else every trial of the curve has failed
  }
  return plot;
}

HeatMap heat_map(const SweepPlan& plan, const std::vector<TrialResult>& results, std::size_t x, std::size_t y,
                 std::string_view metric) {
  HeatMap map;
  const std::string rest = plan.swept().size() > 2 ? ", mean over all other options" : over_seeds(plan);
  map.title = metric_title(metric) + rest;
  map.x_label = words(plan.options[x].key);
  map.y_label = words(plan.options[y].key);
  map.description =
      fmt::format("{} for each {} and {}{}", metric_title(metric), map.x_label, map.y_label, rest);
  const ByChoice found(plan, results, {{x, 0}, {y, 0}}, metric);
  map.x_names = plan.options[x].values;
  map.y_names = plan.options[y].values;
  for (std::size_t j = 0; j < map.y_names.size(); ++j) {
    map.values.emplace_back();
    for (std::size_t i = 0; i < map.x_names.size(); ++i) {
      const MeanAndDeviation m = found({{x, i}, {y, j}});
      map.values.back().push_back(m.count > 0 ? m.mean : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return map;
}

}  // namespace

std::string sweep_title(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const std::size_t i : plan.swept()) names.push_back(words(plan.options[i].key));
  const SweptOption& model = plan.options[plan.option("model")];
  const std::string what = names.empty() ? "seeds" : fmt::format("{}", fmt::join(names, ", "));
  return model.values.size() == 1 ? fmt::format("{}: {}", plan.trials[0].settings.model, what) : what;
}

SweepPlots sweep_plots(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows) {
  SweepPlots plots;
  if (std::ranges::none_of(results, [](const TrialResult& r) { return r.state == TrialResult::State::done; }))
    return plots;
  plots.lines.push_back(
      {"val_loss_curves", curves(plan, results, rows, "validation loss", &EpochMetrics::val_loss)});
  plots.lines.push_back(
      {"train_loss_curves", curves(plan, results, rows, "training loss", &EpochMetrics::train_loss)});
  const std::vector<std::size_t> swept = plan.swept();
  for (const Drawn& drawn : kDrawn) {
    for (const std::size_t option : swept)
      plots.lines.push_back({fmt::format("{}_by_{}", drawn.metric, plan.options[option].key),
                             against_option(plan, results, option, drawn.metric)});
    for (std::size_t a = 0; a < swept.size() && !plan.paired; ++a)
      for (std::size_t b = a + 1; b < swept.size(); ++b)
        plots.maps.push_back({fmt::format("{}_by_{}_and_{}", drawn.metric, plan.options[swept[a]].key,
                                          plan.options[swept[b]].key),
                              heat_map(plan, results, swept[a], swept[b], drawn.metric)});
  }
  return plots;
}

}  // namespace jsc
