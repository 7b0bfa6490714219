// jsc-train train: from settings to a run folder.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/settings/settings_table.hpp"
#include "apps/support/interrupt.hpp"
#include "apps/training/run.hpp"
#include "apps/transform/inputs.hpp"
#include "apps/transform/transform_file.hpp"

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
  std::string config, out, resume;
  std::vector<PassCall> passes;  // transforms to run before training

  int run() {
    if (!resume.empty()) return go_on();
    if (!config.empty()) {
      settings.read_config(config, {"passes"});
      if (has_passes(config)) passes = read_passes(config);
    }
    settings.resolve();
    return start();
  }

 private:
  int start();
  void transform(Graph& graph, const PreparedData& data, Transforms& transforms) const;
  int go_on();
  int finish(Run& run) const;
};

int TrainCommand::start() {
  std::optional<TrainedModel> loaded;
  if (!train.load.empty()) loaded = open_trained_model(train.load);
  const bool knows_model = loaded && loaded->checkpoint;
  if (train.model.empty() && !knows_model) fail("train: no model given (jsc-train models lists them)");
  ModelContext context;
  if (knows_model) context = loaded->checkpoint->context;
  const std::string given = train.model;
  if (!given.empty()) context.model = find_model(given);
  if (given.empty()) train.model = context.model.name;

  PreparedData data = prepare_data(train.data, loaded ? loaded->expectation() : Expectation{},
                                   train.execution().threads, train.quiet);
  context.feature_names = data.data.feature_names;
  context.class_names = data.data.class_names;
  context.scaler = data.scaler;
  Graph graph;
  if (loaded) {
    graph = loaded->graph(given, data.data.features, static_cast<Index>(context.class_names.size()));
  } else {
    graph = build_model(context.model, data.data.features, static_cast<Index>(context.class_names.size()));
    graph.initialize(static_cast<std::uint64_t>(train.seed));
  }
  transform(graph, data, context.transforms);

  RunFolder folder = RunFolder::plan(out, train.model);
  Run run(train, folder, std::move(data), std::move(context), std::move(graph));
  run.save_last();  // before config.toml, which makes the folder a run: it can be resumed from then on
  folder.write("config.toml", settings.to_toml() + passes_to_toml(passes));
  return finish(run);
}

void TrainCommand::transform(Graph& graph, const PreparedData& data, Transforms& transforms) const {
  const PreparedInput input(data, data.split.train, train.execution());
  for (const PassCall& call : passes) {
    if (call.pass->kind != PassKind::transform)
      fail("{}: '{}' is an analysis; train takes transforms only (jsc-train transform runs all passes)",
           call.where, call.pass->name);
    PassArguments arguments;
    arguments.options = call.options;
    arguments.input = &input;
    arguments.execution = train.execution();
    try {
      const PassResult result = run_pass(*call.pass, graph, arguments);
      if (!train.quiet || result.text.starts_with("warning:"))
        fmt::print(stderr, "{}  {}", call.pass->name, result.text);
    } catch (const Error& error) {
      fail("{}: {}", call.where, error.what());
    }
    transforms.add(call.pass->name, call.options, graph);
  }
}

int TrainCommand::go_on() {
  static const std::vector<std::string> kAllowed = {"threads", "cpu_mask", "quiet"};
  for (const std::string& key : settings.given_flags())
    if (std::ranges::find(kAllowed, key) == kAllowed.end())
      fail(
          "--resume continues a run as it was configured: '{}' cannot be changed (only threads, cpu_mask and "
          "quiet)",
          key);
  if (!config.empty() || !out.empty())
    fail("--resume takes the configuration and the folder of the run: leave out --config and --out");
  RunFolder folder = RunFolder::open(resume);
  settings.read_config(folder.file("config.toml"), {"passes"});  // the checkpoint has seen the passes
  settings.resolve();

  const std::string path = folder.file("last.safetensors");
  Checkpoint last = load_checkpoint(path);
  if (!last.training) fail("{}: holds no training state", path);
  Expectation expected{last.context.feature_names, last.context.class_names, last.context.scaler};
  PreparedData data = prepare_data(train.data, expected, train.execution().threads, train.quiet);
  Run run(train, folder, std::move(data), std::move(last.context), std::move(last.graph));
  run.restore(*last.training, last.file, path);
  return finish(run);
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
  run.finish();
  return 0;
}

}  // namespace

Action add_train(CLI::App& root) {
  CLI::App* app = root.add_subcommand("train", "train a model into a run folder");
  app->footer(
      "Examples:\n"
      "  jsc-train train jsc-toy --max-epochs 10 --batch-size 256\n"
      "  jsc-train train my_net.toml --data jets.csv --optimizer sgd --scheduler one-cycle --schedule-by "
      "step\n"
      "  jsc-train train --load runs/jsc-toy_2026-11-23_1 --config quantize.toml     # quantization-aware\n"
      "  jsc-train train --resume runs/jsc-toy_2026-11-23_1\n"
      "The model is a name that `jsc-train models` lists, or a .toml file that lists layers "
      "(docs/formats.md).\n"
      "Exit codes: 0 done, 2 bad input or a training that diverged, 130 interrupted (continue with "
      "--resume).");
  auto command = std::make_shared<TrainCommand>();
  command->settings.add("model", &command->train.model, "zoo name (jsc-train models) or .toml file")
      .positional();
  command->train.add_to(command->settings);
  command->settings.add_flags(*app);
  app->add_option("--config", command->config,
                  "TOML file with any of these settings (batch_size = 64, ...) and transforms "
                  "([passes.quantize], ...)")
      ->type_name("");
  app->add_option("--out", command->out, "run folder to make [runs/MODEL_DATE_N]")->type_name("");
  app->add_option("--resume", command->resume, "continue the interrupted run in this folder")->type_name("");
  return [command] { return command->run(); };
}

}  // namespace jsc
