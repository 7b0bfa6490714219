#include "apps/sweep/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/report/format.hpp"
#include "apps/report/html.hpp"

namespace jsc {

namespace {

std::ptrdiff_t failed_trials(const std::vector<TrialResult>& results) {
  return std::ranges::count(results, TrialResult::State::failed, &TrialResult::state);
}

void add_figures(Page& page, const SweepPlan& plan, const std::vector<TrialResult>& results,
                 const std::vector<SweepRow>& rows) {
  const auto failed = failed_trials(results);
  std::vector<Fact> figures = {{"Trials", format_count(std::ssize(results))}};
  if (failed > 0) figures.push_back({"Failed", format_count(failed)});
  const SweepRow* best = nullptr;
  const auto loss = [](const SweepRow& row) { return row.metrics[1].mean; };  // of validation
  for (const SweepRow& row : rows)
    if (row.metrics[0].count > 0 && (best == nullptr || loss(row) < loss(*best))) best = &row;
  if (best != nullptr) {
    figures.push_back({"Best validation loss", fmt::format("{:.4f}", loss(*best))});
    figures.push_back({"Its test accuracy", fmt::format("{:.2f} %", 100 * best->metrics[4].mean)});
  }
  page.figures(figures);
  if (best != nullptr && !plan.swept().empty())
    page.facts({{"Best setting", plan.describe(plan.trials[best->trials[0]], false), true}});
}

// A heat map as a table, its shade beside its numbers.
void add_map(Page& page, const SweepPlots::Map& entry) {
  const HeatMap& map = entry.map;
  std::vector<std::string> titles = {map.y_label + " \\ " + map.x_label};
  titles.insert(titles.end(), map.x_names.begin(), map.x_names.end());
  Table table(titles, std::vector<Align>(titles.size(), Align::right));
  double low = INFINITY, high = -INFINITY;
  for (const std::vector<double>& row : map.values)
    for (const double value : row)
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  TableLook look{.caption = caption_of(map.title), .file = entry.file};
  for (std::size_t y = 0; y < map.values.size(); ++y) {
    std::vector<std::string> cells = {map.y_names[y]};
    std::vector<double> shade = {0};
    for (const double value : map.values[y]) {
      const bool known = std::isfinite(value);
      cells.push_back(known ? fmt::format("{:.{}f}", value, map.decimals) : "");
      shade.push_back(known && high > low ? (value - low) / (high - low) : 0);
    }
    table.add_row(std::move(cells));
    look.shade.push_back(std::move(shade));
  }
  page.table(table, look);
}

void add_trials(Page& page, const SweepPlan& plan, const std::vector<TrialResult>& results,
                const RunFolder& folder) {
  const bool any_failed = failed_trials(results) > 0;
  std::vector<std::string> titles = {"Trial",         "Best epoch", "Validation loss", "Validation accuracy",
                                     "Test accuracy", "Seconds"};
  if (any_failed) titles.emplace_back("Failed");
  Table table(titles, {Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  TableLook look{.caption = "Every trial", .file = "trials"};
  for (std::size_t t = 0; t < plan.trials.size(); ++t) {
    const TrialResult& r = results[t];
    const std::string& name = plan.trials[t].name;
    std::vector<std::string> cells = {name, "", "", "", "", ""};
    if (r.state == TrialResult::State::done)
      cells = {name,
               std::to_string(r.best_epoch + 1),
               fmt::format("{:.4f}", r.val_loss),
               fmt::format("{:.4f}", r.val_accuracy),
               fmt::format("{:.4f}", r.test_accuracy),
               fmt::format("{:.1f}", r.seconds)};
    if (any_failed) cells.push_back(r.reason);
    table.add_row(std::move(cells));
    const std::string report = "trials/" + name + "/report.html";
    look.links.push_back(folder.has(report) ? report : "");
  }
  if (plan.trials.front().settings.report)
    look.note =
        "The pages of the trials leave out the features, which are the same for all; jsc-train report FOLDER "
        "makes a whole page.";
  page.table(table, look);
}

}  // namespace

std::string sweep_page(const SweepPlan& plan, const std::vector<TrialResult>& results,
                       const std::vector<SweepRow>& rows, const SweepPlots& plots, const RunFolder& folder,
                       std::vector<std::string>& problems) {
  Page page("Sweep", sweep_title(plan));
  add_figures(page, plan, results, rows);
  page.section("Results");
  page.text(
      "All numbers are of each trial's best epoch, the one of the smallest validation loss; the loss of the "
      "training is the mean over that epoch. Where there are several seeds: mean ± standard deviation.");
  page.table(sweep_table(plan, results, rows), {.caption = "Results", .file = "table"});
  if (!plots.lines.empty()) page.section("Plots");
  for (const NamedPlot& line : plots.lines) add_plot(page, line);
  for (const SweepPlots::Map& map : plots.maps) add_map(page, map);
  page.section("Trials");
  add_trials(page, plan, results, folder);
  page.section("Settings");
  std::vector<Fact> facts = {{"jsc", JSC_VERSION}};
  for (const TrialResult& r : results)
    if (!r.data_hash.empty() && facts.size() == 1) facts.push_back({"hash of the data", r.data_hash, true});
  for (const SweptOption& option : plan.options)
    if (option.values.size() > 1 || !option.values[0].empty())
      facts.push_back({option.key, fmt::format("{}", fmt::join(option.values, ", ")), true});
  page.facts(facts);
  return page.html(problems);
}

}  // namespace jsc
