#include "apps/sweep/sweep_files.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "apps/sweep/sweep_report.hpp"

namespace jsc {

namespace {

// What titles of plots begin with: beside them nothing says which model it is.
std::string of_model(const SweepPlan& plan) {
  const bool swept = plan.options[plan.option("model")].values.size() > 1;
  return swept ? "" : plan.trials[0].settings.model + ": ";
}

}  // namespace

std::size_t SweepResult::failed() const {
  return static_cast<std::size_t>(
      std::ranges::count(trials, TrialResult::State::failed, &TrialResult::state));
}

SweepResult read_sweep(const SweepPlan& plan, const std::string& path, const SweepOrder* order) {
  SweepResult result;
  for (const Trial& trial : plan.trials) result.trials.push_back(read_trial(trial_folder(path, trial)));
  result.rows = sweep_rows(plan, result.trials);
  if (order != nullptr) sort_rows(result.rows, *order, plan);
  return result;
}

void write_sweep_files(const SweepPlan& plan, const SweepResult& result, const RunFolder& folder) {
  folder.write("table.csv", sweep_csv(plan, result.trials, result.rows).csv());
  folder.write("table.md", sweep_table(plan, result.trials, result.rows).markdown());
  folder.write("table.json", sweep_json(plan, result.trials, result.rows));
  folder.write("trials.csv", trials_csv(plan, result.trials).csv());
  if (!plan.trials.front().settings.report) return;
  const SweepPlots plots = sweep_plots(plan, result.trials, result.rows);
  std::vector<std::string> problems;
  const auto note = [&](const std::string& problem) {
    if (!problem.empty() && std::ranges::find(problems, problem) == problems.end())
      problems.push_back(problem);
  };
  std::vector<PlotScript> scripts;
  std::vector<std::string> files;
  for (const auto& [file, plot] : plots.lines) {
    Plot alone = plot;
    alone.title = of_model(plan) + plot.title;
    scripts.push_back(script_of(alone));
    files.push_back(file);
  }
  for (const SweepPlots::Map& map : plots.maps) {
    scripts.push_back(script_of(map.map));
    files.push_back(map.file);
  }
  const std::vector<RenderedPlot> rendered = run_gnuplot(scripts);
  for (std::size_t i = 0; i < files.size(); ++i)
    note(write_rendered(rendered[i], folder.file(files[i] + ".svg")));
  std::vector<std::string> more;
  folder.write("report.html", sweep_page(plan, result.trials, result.rows, plots, folder, more));
  for (const std::string& problem : more) note(problem);
  for (const std::string& problem : problems) fmt::print(stderr, "warning: a plot is missing: {}\n", problem);
}

}  // namespace jsc
