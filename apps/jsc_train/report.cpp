// jsc-train report: makes the page of a run again, from its folder and its data.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/pages/run_page.hpp"
#include "apps/training/run_folder.hpp"
#include "apps/training/train_settings.hpp"

namespace jsc {

namespace {

struct ReportCommand {
  std::string run_folder, data;
  ExecutionSettings execution;
  bool quiet = false;
  Settings settings;

  int run() {
    settings.resolve();
    if (run_folder.empty()) fail("report: no run folder given");
    const RunFolder folder = RunFolder::open(run_folder);
    if (!folder.has("metrics.csv"))
      fail(
          "{}: report needs the folder of a training, found no metrics.csv (of a transformed network verify "
          "makes the page)",
          run_folder);
    TrainSettings train;
    train.read(folder.file("config.toml"));
    if (!data.empty()) train.data.data = data;

    const Execution how = execution.execution();
    TrainedModel best = open_trained_model(run_folder);
    if (!best.checkpoint) fail("{}: report needs a checkpoint of jsc-train", best.path);
    const PreparedData prepared = prepare_data(train.data, best.expectation(), how.threads, quiet);
    for (const std::string& warning : write_run_page(run_folder, best, prepared, how))
      fmt::print(stderr, "warning: {}\n", warning);
    fmt::print("report: {}\n", folder.file("report.html"));
    return 0;
  }
};

}  // namespace

Action add_report(CLI::App& root) {
  CLI::App* app = root.add_subcommand("report", "make the page of a run again: report.html in its folder");
  app->footer(
      "Examples:\n"
      "  jsc-train report runs/jsc-toy_2026-11-23_1\n"
      "Every training writes the page when it ends, and verify makes it anew with what it found.");
  auto command = std::make_shared<ReportCommand>();
  Settings& settings = command->settings;
  settings.add("run", &command->run_folder, "run folder").positional();
  settings.add("data", &command->data, "where the run's data are now, if they have moved");
  command->execution.add_to(settings);
  settings.add("quiet", &command->quiet, "print the result only");
  settings.add_flags(*app);
  return [command] { return command->run(); };
}

}  // namespace jsc
