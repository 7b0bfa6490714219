#include "apps/sweep/compare_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/support/mapped_file.hpp"
#include "apps/sweep/sweep_table.hpp"

namespace jsc {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostCurves = 8;

std::map<std::string, std::string> read_settings(const RunFolder& folder) {
  std::map<std::string, std::string> settings;
  std::set<std::string> passes;
  for (auto& [key, value] : values_by_key(std::string(MappedFile(folder.file("config.toml")).bytes()))) {
    if (key.starts_with("passes."))
      passes.insert(key.substr(7, key.find('.', 7) - 7));
    else if (std::ranges::find(unswept_settings(), key) == unswept_settings().end())
      settings[key] = value.starts_with('\'') ? value.substr(1, value.size() - 2) : value;
  }
  settings["passes"] = passes.empty() ? "none" : fmt::format("{}", fmt::join(passes, ", "));
  return settings;
}

// Only the last part of the paths if that tells them apart.
void shorten_names(std::vector<ComparedRun>& runs) {
  std::set<std::string> names;
  for (const ComparedRun& run : runs) names.insert(fs::path(run.name).filename().string());
  if (names.size() < runs.size()) return;
  for (ComparedRun& run : runs) run.name = fs::path(run.name).filename().string();
}

std::string setting(const ComparedRun& run, const std::string& key) {
  const auto found = run.settings.find(key);
  return found == run.settings.end() ? "" : found->second;
}

std::vector<std::string> different_settings(const std::vector<ComparedRun>& runs) {
  std::set<std::string> keys, different;
  for (const ComparedRun& run : runs)
    for (const auto& [key, value] : run.settings) keys.insert(key);
  for (const std::string& key : keys)
    for (const ComparedRun& run : runs)
      if (setting(run, key) != setting(runs[0], key)) different.insert(key);
  return {different.begin(), different.end()};
}

std::string state(const ComparedRun& run) {
  if (run.result.state == TrialResult::State::done) return "";
  if (run.result.state == TrialResult::State::failed) return run.result.reason;
  return fmt::format("not finished ({} epochs)", run.result.epochs.size());
}

bool done(const ComparedRun& run) {
  return run.result.state == TrialResult::State::done;
}

}  // namespace

std::vector<ComparedRun> read_runs(const std::vector<std::string>& paths) {
  if (paths.size() < 2) fail("compare: expected at least two run folders, found {}", paths.size());
  std::vector<ComparedRun> runs;
  std::set<std::string> seen;
  for (std::string path : paths) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (RunFolder::at(path).has("sweep.toml"))
      fail("{}: holds a sweep, not a run: name its trials ({}/trials/*)", path, path);
    const RunFolder folder = RunFolder::open(path);
    std::error_code error;
    if (!seen.insert(fs::weakly_canonical(path, error).string()).second)
      fail("compare: {} was given twice", path);
    runs.push_back({path, folder, read_trial(folder), read_settings(folder)});
  }
  for (ComparedRun& run : runs)
    if (done(run)) run.settings["data_hash"] = run.result.data_hash;
  // The same data under two names are no difference, nor is an unfinished run's hash, which is not known.
  if (!std::ranges::all_of(runs, done))
    for (ComparedRun& run : runs) run.settings.erase("data_hash");
  shorten_names(runs);
  return runs;
}

Table comparison(const std::vector<ComparedRun>& runs, bool exact) {
  const std::vector<std::string> keys = different_settings(runs);
  const bool states = std::ranges::any_of(runs, [](const ComparedRun& run) { return !state(run).empty(); });
  std::vector<std::string> titles = {exact ? "run" : "Run"};
  std::vector<Align> align = {Align::left};
  for (const std::string& key : keys) {
    titles.push_back(key);
    align.push_back(Align::left);
  }
  titles.emplace_back(exact ? "best_epoch" : "Best epoch");
  align.push_back(Align::right);
  for (const SweepMetric& metric : kSweepMetrics) {
    titles.emplace_back(exact ? metric.key : metric.title);
    align.push_back(Align::right);
  }
  if (states) titles.emplace_back(exact ? "state" : "State");
  Table table(titles, align);
  for (const ComparedRun& run : runs) {
    std::vector<std::string> cells = {run.name};
    for (const std::string& key : keys) cells.push_back(setting(run, key));
    cells.push_back(done(run) ? std::to_string(run.result.best_epoch + (exact ? 0 : 1)) : "");
    for (const SweepMetric& metric : kSweepMetrics) {
      const double value = run.result.*metric.value;
      cells.push_back(!done(run) ? ""
                      : exact    ? fmt::format("{}", value)
                                 : fmt::format("{:.{}f}", value, metric.decimals));
    }
    if (states) cells.push_back(state(run));
    table.add_row(std::move(cells));
  }
  return table;
}

std::string comparison_json(const std::vector<ComparedRun>& runs) {
  using json = nlohmann::ordered_json;
  json list = json::array();
  for (const ComparedRun& run : runs) {
    json entry = {{"run", run.folder.path()}, {"differs", json::object()}};
    for (const std::string& key : different_settings(runs)) entry["differs"][key] = setting(run, key);
    if (done(run)) {
      entry["best_epoch"] = run.result.best_epoch;
      for (const SweepMetric& metric : kSweepMetrics)
        entry[std::string(metric.key)] = run.result.*metric.value;
    } else {
      entry["state"] = state(run);
    }
    list.push_back(std::move(entry));
  }
  return list.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::vector<NamedPlot> comparison_plots(const std::vector<ComparedRun>& runs) {
  struct Curve {
    const char* file;
    const char* what;
    double EpochMetrics::*value;
  };
  static constexpr std::array<Curve, 3> kCurves = {
      {{"val_loss", "validation loss", &EpochMetrics::val_loss},
       {"train_loss", "training loss", &EpochMetrics::train_loss},
       {"val_accuracy", "validation accuracy", &EpochMetrics::val_accuracy}}};
  std::vector<const ComparedRun*> shown;
  for (const ComparedRun& run : runs)
    if (!run.result.epochs.empty()) shown.push_back(&run);
  const auto smallest = [](const ComparedRun* run) {
    return std::ranges::min(run->result.epochs, {}, &EpochMetrics::val_loss).val_loss;
  };
  std::ranges::stable_sort(shown, {}, smallest);
  const std::string which = shown.size() > kMostCurves ? fmt::format(" (the best {})", kMostCurves) : "";
  shown.resize(std::min(shown.size(), kMostCurves));
  std::vector<NamedPlot> plots;
  for (const Curve& curve : kCurves) {
    Plot plot;
    plot.title = curve.what + which;
    plot.description = fmt::format("{} by epoch of {} runs", curve.what, shown.size());
    plot.x_label = "epoch";
    plot.whole_x = true;
    plot.y_label = curve.what;
    for (const ComparedRun* run : shown) {
      Series series{run->name, {}, {}};
      for (const EpochMetrics& epoch : run->result.epochs) {
        series.x.push_back(static_cast<double>(epoch.epoch + 1));
        series.y.push_back(epoch.*curve.value);
      }
      plot.series.push_back(std::move(series));
    }
    plots.push_back({curve.file, std::move(plot)});
  }
  return plots;
}

}  // namespace jsc
