#include "apps/sweep/sweep_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.hpp"
#include "engine/nearest.hpp"

namespace jsc {

namespace {

constexpr std::array<const char*, 3> kLabColumns = {"max_epochs", "batch_size", "learning_rate"};

std::string column_name(const std::string& key) {
  return key == "max_epochs" ? "epochs" : key;
}

std::string title(const std::string& key) {
  std::string text = column_name(key);
  std::ranges::replace(text, '_', ' ');
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// The options that the table shows: a swept model, the lab's three, then what else was swept.
std::vector<std::size_t> shown_options(const SweepPlan& plan) {
  const std::vector<std::size_t> swept = plan.swept();
  std::vector<std::size_t> shown;
  const auto add = [&](std::size_t i) {
    if (std::ranges::find(shown, i) == shown.end()) shown.push_back(i);
  };
  for (const std::size_t i : swept)
    if (plan.options[i].key == "model") add(i);
  for (const char* key : kLabColumns) add(plan.option(key));
  for (const std::size_t i : swept) add(i);
  return shown;
}

std::string show(const MeanAndDeviation& m, int decimals) {
  if (m.count == 0) return "";
  if (m.count == 1) return fmt::format("{:.{}f}", m.mean, decimals);
  return fmt::format("{:.{}f} ± {:.{}f}", m.mean, decimals, m.deviation, decimals);
}

// "2 of 3 seeds: the loss is nan at step 12 ..."; different reasons one after the other.
std::string failures(const SweepRow& row, const std::vector<TrialResult>& results) {
  if (row.failed.empty()) return "";
  std::vector<std::string> reasons;
  for (const std::size_t t : row.failed)
    if (std::ranges::find(reasons, results[t].reason) == reasons.end()) reasons.push_back(results[t].reason);
  const std::string text = fmt::format("{}", fmt::join(reasons, "; "));
  if (row.trials.size() == 1) return text;
  return fmt::format("{} of {} seeds: {}", row.failed.size(), row.trials.size(), text);
}

const Trial& first_trial(const SweepPlan& plan, const SweepRow& row) {
  return plan.trials[row.trials[0]];
}

}  // namespace

MeanAndDeviation mean_and_deviation(const std::vector<double>& values) {
  MeanAndDeviation result;
  result.count = static_cast<int>(values.size());
  if (values.empty()) return result;
  for (const double value : values) result.mean += value;
  result.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  if (values.size() > 1) result.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return result;
}

std::vector<SweepRow> sweep_rows(const SweepPlan& plan, const std::vector<TrialResult>& results) {
  std::vector<SweepRow> rows;
  const std::size_t seeds = plan.options[plan.option("seed")].values.size();
  for (std::size_t first = 0; first < plan.trials.size(); first += seeds) {
    SweepRow row;
    for (std::size_t t = first; t < first + seeds; ++t) {
      row.trials.push_back(t);
      if (results[t].state != TrialResult::State::done) row.failed.push_back(t);
    }
    for (std::size_t m = 0; m < kSweepMetrics.size(); ++m) {
      std::vector<double> values;
      for (const std::size_t t : row.trials)
        if (results[t].state == TrialResult::State::done)
          values.push_back(results[t].*kSweepMetrics[m].value);
      row.metrics[m] = mean_and_deviation(values);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

SweepOrder parse_order(const std::string& text, const SweepPlan& plan) {
  SweepOrder order;
  const std::size_t colon = text.find(':');
  order.column = text.substr(0, colon);
  const std::string direction = colon == text.npos ? "" : text.substr(colon + 1);
  if (colon != text.npos && direction != "asc" && direction != "desc")
    fail("--sort: expected COLUMN, COLUMN:asc or COLUMN:desc, found '{}'", text);
  std::vector<std::string> names;
  for (const std::size_t i : shown_options(plan)) names.push_back(column_name(plan.options[i].key));
  for (const SweepMetric& metric : kSweepMetrics) {
    names.emplace_back(metric.key);
    if (metric.key == order.column) order.descending = metric.larger_is_better;
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (std::ranges::find(known, order.column) == known.end())
    fail("--sort: there is no column '{}'{}", order.column, suggestion(order.column, known));
  if (!direction.empty()) order.descending = direction == "desc";
  return order;
}

void sort_rows(std::vector<SweepRow>& rows, const SweepOrder& order, const SweepPlan& plan) {
  const auto metric = std::ranges::find(kSweepMetrics, order.column, &SweepMetric::key);
  const auto value = [&](const SweepRow& row) {
    if (row.metrics[0].count == 0) return std::numeric_limits<double>::infinity();
    const double sign = order.descending ? -1 : 1;
    if (metric != kSweepMetrics.end())
      return sign * row.metrics[static_cast<std::size_t>(metric - kSweepMetrics.begin())].mean;
    for (std::size_t i = 0; i < plan.options.size(); ++i)
      if (column_name(plan.options[i].key) == order.column) {
        double number = 0;
        const std::string& text = plan.options[i].values[first_trial(plan, row).choice[i]];
        const bool numeric =
            std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
        return sign * (numeric ? number : static_cast<double>(first_trial(plan, row).choice[i]));
      }
    return 0.0;
  };
  std::ranges::stable_sort(rows, {}, value);
}

Table sweep_table(const SweepPlan& plan, const std::vector<TrialResult>& results,
                  const std::vector<SweepRow>& rows) {
  std::vector<std::string> titles;
  std::vector<Align> align;
  for (const std::size_t i : shown_options(plan)) {
    titles.push_back(title(plan.options[i].key));
    align.push_back(Align::right);
  }
  for (const SweepMetric& metric : kSweepMetrics) {
    titles.emplace_back(metric.title);
    align.push_back(Align::right);
  }
  const bool any_failed = std::ranges::any_of(rows, [](const SweepRow& row) { return !row.failed.empty(); });
  if (any_failed) titles.emplace_back("Failed");
  Table table(titles, align);
  for (const SweepRow& row : rows) {
    std::vector<std::string> cells;
    for (const std::size_t i : shown_options(plan))
      cells.push_back(plan.options[i].values[first_trial(plan, row).choice[i]]);
    for (std::size_t m = 0; m < kSweepMetrics.size(); ++m)
      cells.push_back(show(row.metrics[m], kSweepMetrics[m].decimals));
    if (any_failed) cells.push_back(failures(row, results));
    table.add_row(std::move(cells));
  }
  return table;
}

Table sweep_csv(const SweepPlan& plan, const std::vector<TrialResult>& results,
                const std::vector<SweepRow>& rows) {
  std::vector<std::string> titles;
  for (const std::size_t i : shown_options(plan)) titles.push_back(column_name(plan.options[i].key));
  titles.insert(titles.end(), {"seeds", "failed"});
  for (const SweepMetric& metric : kSweepMetrics) {
    titles.emplace_back(metric.key);
    titles.push_back(std::string(metric.key) + "_sd");
  }
  titles.emplace_back("reason");
  Table table(titles);
  for (const SweepRow& row : rows) {
    std::vector<std::string> cells;
    for (const std::size_t i : shown_options(plan))
      cells.push_back(plan.options[i].values[first_trial(plan, row).choice[i]]);
    cells.push_back(std::to_string(row.trials.size()));
    cells.push_back(std::to_string(row.failed.size()));
    for (const MeanAndDeviation& m : row.metrics) {
      cells.push_back(m.count > 0 ? fmt::format("{}", m.mean) : "");
      cells.push_back(m.count > 1 ? fmt::format("{}", m.deviation) : "");
    }
    cells.push_back(failures(row, results));
    table.add_row(std::move(cells));
  }
  return table;
}

Table trials_csv(const SweepPlan& plan, const std::vector<TrialResult>& results) {
  std::vector<std::size_t> shown = shown_options(plan);
  shown.push_back(plan.option("seed"));
  std::vector<std::string> titles = {"trial"};
  for (const std::size_t i : shown) titles.push_back(column_name(plan.options[i].key));
  titles.insert(titles.end(), {"parameters", "best_epoch"});
  for (const SweepMetric& metric : kSweepMetrics) titles.emplace_back(metric.key);
  titles.emplace_back("failed");
  Table table(titles);
  for (std::size_t t = 0; t < plan.trials.size(); ++t) {
    const TrialResult& result = results[t];
    const bool done = result.state == TrialResult::State::done;
    std::vector<std::string> cells = {plan.trials[t].name};
    for (const std::size_t i : shown) cells.push_back(plan.options[i].values[plan.trials[t].choice[i]]);
    cells.push_back(done ? std::to_string(result.parameters) : "");
    cells.push_back(done ? std::to_string(result.best_epoch) : "");
    for (const SweepMetric& metric : kSweepMetrics)
      cells.push_back(done ? fmt::format("{}", result.*metric.value) : "");
    cells.push_back(result.reason);
    table.add_row(std::move(cells));
  }
  return table;
}

std::string sweep_json(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows) {
  using json = nlohmann::ordered_json;
  json list = json::array();
  for (const SweepRow& row : rows) {
    json entry;
    for (const std::size_t i : shown_options(plan)) {
      const std::string& text = plan.options[i].values[first_trial(plan, row).choice[i]];
      const json value = json::parse(text, nullptr, false);
      entry[column_name(plan.options[i].key)] = value.is_number() || value.is_boolean() ? value : json(text);
    }
    for (std::size_t m = 0; m < kSweepMetrics.size(); ++m) {
      const MeanAndDeviation& metric = row.metrics[m];
      json numbers = {{"mean", nullptr}, {"sd", nullptr}};
      if (metric.count > 0) numbers["mean"] = metric.mean;
      if (metric.count > 1) numbers["sd"] = metric.deviation;
      entry[std::string(kSweepMetrics[m].key)] = numbers;
    }
    json trials = json::array();
    for (const std::size_t t : row.trials) {
      json trial = {{"trial", plan.trials[t].name}, {"seed", plan.trials[t].settings.seed}};
      if (results[t].state == TrialResult::State::done)
        for (const SweepMetric& metric : kSweepMetrics)
          trial[std::string(metric.key)] = results[t].*metric.value;
      else
        trial["failed"] = results[t].reason;
      trials.push_back(std::move(trial));
    }
    entry["trials"] = std::move(trials);
    list.push_back(std::move(entry));
  }
  return list.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace jsc
