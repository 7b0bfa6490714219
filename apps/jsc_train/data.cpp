// jsc-train data: what a data set holds, and data sets of emulated jets as files.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/data/emulator.hpp"
#include "apps/data/summary.hpp"
#include "apps/data/writers.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/table.hpp"
#include "apps/training/train_settings.hpp"

namespace jsc {

namespace {

using Json = nlohmann::json;

struct InfoCommand {
  DataSettings data;
  ExecutionSettings execution;
  bool quiet = false, json = false;
  Settings settings;

  int run() {
    settings.resolve();
    const int threads = execution.execution().threads;
    const Dataset rows = load_rows(data, {}, LabelPolicy::optional, threads, quiet || json);
    const DataSummary summary = summarize(rows, threads);
    if (json)
      fmt::print("{}\n", to_json(summary).dump(2));
    else
      print(summary);
    return 0;
  }

 private:
  static Json to_json(const DataSummary& s) {
    Json features = Json::array(), classes = Json::object();
    for (const FeatureSummary& f : s.features) {
      Json quantiles = Json::object();
      for (std::size_t i = 0; i < f.quantiles.size(); ++i)
        quantiles[fmt::format("{}", kSummaryLevels[i])] = f.quantiles[i];
      features.push_back({{"name", f.name},
                          {"min", f.min},
                          {"mean", f.mean},
                          {"max", f.max},
                          {"quantiles", quantiles},
                          {"non_finite", f.non_finite}});
    }
    for (std::size_t c = 0; c < s.class_names.size(); ++c) classes[s.class_names[c]] = s.class_rows[c];
    return {{"source", s.source},
            {"rows", s.rows},
            {"features", features},
            {"classes", classes},
            {"duplicates", s.duplicates},
            {"non_finite", s.non_finite},
            {"hash", s.hash}};
  }

  static void print(const DataSummary& s) {
    fmt::print("{}: {} rows, {} features, {} classes\n", s.source, format_count(s.rows), s.features.size(),
               s.class_names.size());
    std::vector<std::string> titles = {"Feature", "Min", "Mean"};
    for (double level : kSummaryLevels) titles.push_back(fmt::format("{:g} %", 100 * level));
    titles.insert(titles.end(), {"Max", "Non-finite"});
    std::vector<Align> align = {Align::left};
    align.resize(titles.size(), Align::right);
    Table features(titles, align);
    for (const FeatureSummary& f : s.features) {
      std::vector<std::string> cells = {f.name, fmt::format("{:.4g}", f.min), fmt::format("{:.4g}", f.mean)};
      for (double q : f.quantiles) cells.push_back(fmt::format("{:.4g}", q));
      cells.insert(cells.end(), {fmt::format("{:.4g}", f.max), format_count(f.non_finite)});
      features.add_row(cells);
    }
    fmt::print("{}", features.to_terminal());
    Table classes({"Class", "Rows", "Share"}, {Align::left, Align::right, Align::right});
    for (std::size_t c = 0; c < s.class_names.size(); ++c) {
      const double share =
          s.rows == 0 ? 0 : 100.0 * static_cast<double>(s.class_rows[c]) / static_cast<double>(s.rows);
      classes.add_row({s.class_names[c], format_count(s.class_rows[c]), fmt::format("{:.1f} %", share)});
    }
    if (s.class_names.empty())
      fmt::print("no labels\n");
    else
      fmt::print("{}", classes.to_terminal());
    fmt::print("duplicate rows: {}\nnon-finite cells: {}\nhash: {}\n", format_count(s.duplicates),
               format_count(s.non_finite), s.hash);
  }
};

struct MakeCommand {
  std::string out;
  std::int64_t rows = kEmulatedRows, seed = 0;
  ExecutionSettings execution;
  bool quiet = false;
  Settings settings;

  int run() {
    settings.resolve();
    if (out.empty()) fail("data make: no file given (.csv, .h5 or .npy)");
    const DatasetWriter write = find_writer(out);  // a wrong name is told before the work
    write(out, emulated_dataset(rows, static_cast<std::uint64_t>(seed), execution.execution().threads));
    if (!quiet) fmt::print("{}: {} emulated jets\n", out, format_count(rows));
    return 0;
  }
};

}  // namespace

Action add_data(CLI::App& root) {
  CLI::App* app = root.add_subcommand("data", "look at a data set, or make one");
  app->require_subcommand(1);

  CLI::App* info =
      app->add_subcommand("info", "rows, features, classes, duplicates, non-finite values, hash");
  auto show = std::make_shared<InfoCommand>();
  show->data.non_finite = "keep";
  show->settings
      .add("data", &show->data.data, "emulated[:ROWS[:SEED]], or a CSV, ARFF, HDF5, .npy or .npz file")
      .positional();
  show->settings.add("label", &show->data.label,
                     "label column, or one-hot columns with commas between (found if not given)");
  show->execution.add_to(show->settings);
  show->settings.add("quiet", &show->quiet, "no progress");
  show->settings.add("json", &show->json, "print one JSON object");
  show->settings.add_flags(*info);

  CLI::App* make = app->add_subcommand("make", "write emulated jets to a .csv, .h5 or .npy file");
  auto write = std::make_shared<MakeCommand>();
  write->settings.add("out", &write->out, "file to write; its ending says the format").positional();
  write->settings.add("rows", &write->rows, "number of jets").range(1, 1e9);
  write->settings.add("seed", &write->seed, "seed of the emulator").range(0, 9e18);
  write->execution.add_to(write->settings);
  write->settings.add("quiet", &write->quiet, "print errors only");
  write->settings.add_flags(*make);

  return [=] { return info->parsed() ? show->run() : write->run(); };
}

}  // namespace jsc
