// jsc-train train: from settings to a run folder.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/jsc_train/commands.hpp"
#include "apps/pages/finish_run.hpp"
#include "apps/report/format.hpp"
#include "apps/settings/settings_table.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/interrupt.hpp"
#include "apps/training/start_run.hpp"

namespace jsc {

namespace {

void print_start(const Run& run, const TrainSettings& train) {
  const Split& split = run.data().split;
  const Dataset& data = run.data().data;
  const Execution execution = train.execution();
  fmt::print(stderr, "model  {}: {} modules, {} parameters\n", train.model, run.graph().modules.size(),
             format_count(run.graph().parameter_count()));
  fmt::print(stderr, "data   {}: {} training, {} validation, {} test rows; {} features, {} classes\n",
             data.source, format_count(std::ssize(split.train)), format_count(std::ssize(split.validation)),
             format_count(std::ssize(split.test)), data.features, data.class_names.size());
  fmt::print(stderr, "runs   on {} {} with {} kernels\n", execution.threads,
             execution.threads == 1 ? "thread" : "threads", isa_name(execution.isa));
}

struct TrainCommand {
  TrainSettings train;
  Settings settings;
  std::string config, out, resume, command_line;
  std::vector<PassCall> passes;  // transforms to run before training

  int run() {
    if (!resume.empty()) return go_on();
    if (!config.empty()) passes = read_config_with_passes(settings, config);
    settings.resolve();
    train.data.take_from_run(settings, train.load);
    const std::unique_ptr<Run> run = begin();
    open_run_folder(*run, "# " + command_line + "\n" + settings.to_toml() + passes_to_toml(passes));
    return finish(*run);
  }

 private:
  std::shared_ptr<const PreparedData> data_for(const Expectation& expectation) const;
  std::unique_ptr<Run> begin();
  int go_on();
  int finish(Run& run) const;
};

std::shared_ptr<const PreparedData> TrainCommand::data_for(const Expectation& expectation) const {
  return std::make_shared<const PreparedData>(
      prepare_data(train.data, expectation, train.execution().threads, train.quiet));
}

std::unique_ptr<Run> TrainCommand::begin() {
  StartingPoint start = find_starting_point(train);
  auto data = data_for(start.expectation());
  RunFolder folder = resume.empty() ? RunFolder::plan(out, train.model) : RunFolder::open(resume);
  return new_run(train, std::move(start), passes, std::move(data), std::move(folder));
}

int TrainCommand::go_on() {
  static const std::vector<std::string> kAllowed = {"threads", "cpu_mask", "quiet", "report"};
  for (const std::string& key : settings.given_flags())
    if (std::ranges::find(kAllowed, key) == kAllowed.end())
      fail(
          "--resume continues a run as it was configured: '{}' cannot be changed (only threads, cpu_mask, "
          "quiet and report)",
          key);
  if (!config.empty() || !out.empty())
    fail("--resume takes the configuration and the folder of the run: leave out --config and --out");
  RunFolder folder = RunFolder::open(resume);
  remove_stale_temporaries(folder.path());
  const std::string configured = folder.file("config.toml");
  if (!has_begun(folder)) {
    passes = read_config_with_passes(settings, configured);
    settings.resolve();
    const std::unique_ptr<Run> run = begin();
    run->save_last();
    return finish(*run);
  }
  settings.read_config(configured, {"passes"});  // the checkpoint has seen the passes
  settings.resolve();
  LastState last = read_last_state(folder);
  auto data = data_for(last.expectation());
  const std::unique_ptr<Run> run = continued_run(train, std::move(last), std::move(data), std::move(folder));
  return finish(*run);
}

int TrainCommand::finish(Run& run) const {
  if (!train.quiet) {
    fmt::print(stderr, "{}", settings_table(settings).to_terminal());
    print_start(run, train);
  }
  catch_interrupts();
  if (!run.train()) {
    fmt::print(stderr, "interrupted in epoch {}, batch {}; continue with: jsc-train train --resume {}\n",
               run.position().epoch + 1, run.position().batch, run.folder().path());
    return 130;
  }
  const FinishedRun finished = finish_run(run, PageExtent::whole);
  run.print_result(finished.test);
  for (const std::string& warning : finished.warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (!train.quiet && run.folder().has("report.html"))
    fmt::print(stderr, "report {}\n", run.folder().file("report.html"));
  return 0;
}

}  // namespace

Action add_train(CLI::App& root, const std::string& command_line) {
  CLI::App* app = root.add_subcommand("train", "train a model into a run folder");
  app->footer(
      "Examples:\n"
      "  jsc-train train jsc-toy --max-epochs 10 --batch-size 256\n"
      "  jsc-train train my_net.toml --data jets.csv --optimizer sgd --scheduler one-cycle --schedule-by "
      "step\n"
      "  jsc-train train --load runs/jsc-toy_2026-11-23_1 --config quantize.toml     # quantization-aware\n"
      "  jsc-train train --resume runs/jsc-toy_2026-11-23_1\n"
      "With --load RUN the data are the run's, unless --data or the config file names others.\n"
      "The model is a name that `jsc-train models` lists, or a .toml file that lists layers "
      "(docs/formats.md).\n"
      "Exit codes: 0 done, 2 bad input or a training that diverged, 130 interrupted (continue with "
      "--resume).");
  auto command = std::make_shared<TrainCommand>();
  command->command_line = command_line;
  command->train.add_to(command->settings);
  command->settings.add_flags(*app);
  add_text_option(*app, "--config", command->config,
                  "TOML file with any of these settings (batch_size = 64, ...) and transforms "
                  "([passes.quantize], ...)");
  add_text_option(*app, "--out", command->out, "run folder to make [runs/MODEL_DATE_N]");
  add_text_option(*app, "--resume", command->resume, "continue the interrupted run in this folder");
  return [command] { return command->run(); };
}

}  // namespace jsc
