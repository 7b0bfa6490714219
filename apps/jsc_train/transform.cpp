// jsc-train transform: runs the [passes.NAME] tables of a file over a network, into a run folder.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/settings/settings_table.hpp"
#include "apps/training/train_settings.hpp"
#include "apps/transform/inputs.hpp"
#include "apps/transform/run_passes.hpp"
#include "engine/nearest.hpp"

namespace jsc {

namespace {

// Keys of MASE's files that are for its training, its devices or its folders.
const std::vector<std::string> kMaseKeys = {"accelerator",
                                            "accumulate_grad_batches",
                                            "disable_dataset_cache",
                                            "github_ci",
                                            "is_pretrained",
                                            "is_to_auto_requeue",
                                            "learning_rate",
                                            "load_type",
                                            "log_every_n_steps",
                                            "log_level",
                                            "max_epochs",
                                            "max_steps",
                                            "max_token_len",
                                            "num_devices",
                                            "num_nodes",
                                            "num_targets",
                                            "num_workers",
                                            "project",
                                            "project_dir",
                                            "quant_config",
                                            "report_to",
                                            "strategy",
                                            "target",
                                            "to_debug",
                                            "trainer_precision",
                                            "training_optimizer",
                                            "weight_decay"};

struct TransformCommand {
  std::string model, load, config, out, rows = "train", task = "classification", dataset = "jsc";
  std::int64_t batch_size = 8, seed = 0;
  DataSettings data;
  ExecutionSettings execution;
  bool quiet = false, json = false;
  Settings settings;

  int run() {
    if (config.empty()) fail("transform: no config given: --config F.toml, with [passes.NAME] tables");
    const std::vector<std::string> unused = settings.read_config(config, {"passes", "search"}, kMaseKeys);
    settings.resolve();
    data.take_from_run(settings, load);
    PassesToRun passes;
    passes.calls = read_passes(config);
    passes.execution = execution.execution();
    passes.batch_size = batch_size;
    passes.quiet = quiet || json;

    std::optional<TrainedModel> trained;
    if (!load.empty()) trained = open_trained_model(load);
    if (model.empty() && !trained)
      fail("transform: no model given (jsc-train models lists them), and no --load");
    const std::string name = trained ? trained->name(model) : model;
    const TransformInput input = open_input(data, rows, trained ? trained->expectation() : Expectation{},
                                            passes.execution, passes.quiet);
    passes.input = input.rows.get();
    Graph graph = network(trained, input);
    // A transform that failed in a later pass leaves the files of the first, and may be tried again.
    const RunFolder folder = RunFolder::plan(out, std::filesystem::path(name).stem().string() + "_transform",
                                             fmt::format("01_{}.json", passes.calls[0].pass->name));

    const auto runs = run_passes(graph, passes, folder, [&](const PassRun& pass) {
      if (pass.number == 1 && !passes.quiet) print_start(graph, name, input, unused);
      if (!json) print(pass, passes.calls.size());
    });
    save_transformed(trained, graph, input, folder, runs);
    finish(name, input, folder, passes, runs);
    return 0;
  }

 private:
  Graph network(std::optional<TrainedModel>& trained, const TransformInput& input) const {
    const auto features = std::ssize(input.feature_names), classes = std::ssize(input.class_names);
    if (trained) return trained->graph(model, features, classes);
    Graph graph = build_model(find_model(model), features, classes);
    graph.initialize(static_cast<std::uint64_t>(seed));
    return graph;
  }

  // A network that transforms changed can be tested, trained on and verified: its folder is a run folder.
  void save_transformed(const std::optional<TrainedModel>& trained, const Graph& graph,
                        const TransformInput& input, const RunFolder& folder,
                        const std::vector<PassRun>& runs) const {
    ModelContext context;
    if (trained && trained->checkpoint)
      context = trained->checkpoint->context;
    else
      context = {find_model(model), input.feature_names, input.class_names, input.scaler, {}};
    bool changed = false;
    for (const PassRun& run : runs)
      if (run.call->pass->kind == PassKind::transform) {
        context.transforms.add(run.call->pass->name, run.call->options, graph);
        changed = true;
      }
    if (changed) save_checkpoint(folder.file("best.safetensors"), graph, context);
  }

  void print_start(const Graph& graph, const std::string& name, const TransformInput& input,
                   const std::vector<std::string>& unused) const {
    fmt::print(stderr, "{}", settings_table(settings).to_terminal());
    if (!unused.empty())
      fmt::print(stderr, "note: without effect on a transform: {}\n", fmt::join(unused, ", "));
    fmt::print(stderr, "model  {}: {} modules, {} parameters\n", name, graph.modules.size(),
               format_count(graph.parameter_count()));
    fmt::print(stderr, "data   {}: {} rows ({})\n", input.source, format_count(input.rows->rows()), rows);
  }

  static void print(const PassRun& pass, std::size_t count) {
    std::string text = terminal_text(pass);
    if (text.empty()) text = fmt::format("{}\n", fmt::join(pass.files, ", "));
    fmt::print("[{}/{}] {}\n{}\n", pass.number, count, pass.call->pass->name, text);
  }

  void finish(const std::string& name, const TransformInput& input, const RunFolder& folder,
              const PassesToRun& passes, const std::vector<PassRun>& runs) const {
    MetaValue summary = {{"model", name},
                         {"load", load},
                         {"data", {{"source", input.source}, {"which", rows}, {"rows", input.rows->rows()}}},
                         {"folder", folder.path()},
                         {"passes", MetaValue::array()}};
    for (const PassRun& pass : runs) {
      summary["passes"].push_back(to_json(pass));
      summary["passes"].back()["seconds"] = pass.seconds;
    }
    folder.write("summary.json", summary.dump(2) + "\n");
    // Last: it makes the folder a whole one.
    folder.write("config.toml", settings.to_toml() + passes_to_toml(passes.calls));
    if (json)
      fmt::print("{}\n", summary.dump(2));
    else
      fmt::print("run folder: {}\n", folder.path());
  }
};

}  // namespace

Action add_transform(CLI::App& root) {
  CLI::App* app = root.add_subcommand("transform", "run passes over a network, into a run folder");
  app->footer(
      "Examples:\n"
      "  jsc-train transform jsc-tiny --config passes.toml\n"
      "  jsc-train transform --load runs/jsc-toy_2026-11-23_1 --config passes.toml --rows test\n"
      "With --load RUN the data are the run's, unless --data or the file names others.\n"
      "The file holds the passes as [passes.NAME] tables, run in its order; jsc-train passes lists them. "
      "MASE's\n"
      "transform files are taken as they are. Other keys of the file are these settings (model = ..., ...).");
  auto command = std::make_shared<TransformCommand>();
  Settings& settings = command->settings;
  settings.add("model", &command->model, "zoo name or .toml file; not needed with a checkpoint").positional();
  settings.add("load", &command->load, "run folder (its best checkpoint) or .safetensors file")
      .alias("load_name");
  settings.add("rows", &command->rows, "which rows the passes see")
      .choices({"train", "validation", "test", "all"});
  settings.add("batch_size", &command->batch_size, "rows of the dummy input that the metadata describe")
      .range(1, 1 << 24);
  settings.add("seed", &command->seed, "of the initial weights of a network that is not loaded")
      .range(0, 9e18);
  settings.add("task", &command->task, "MASE's word for what is learned").choices({"classification", "cls"});
  settings.add("dataset", &command->dataset, "MASE's name of the data set; --data says where its rows are")
      .choices({"jsc"});
  command->data.add_to(settings);
  command->execution.add_to(settings);
  settings.add("quiet", &command->quiet, "print the results only");
  settings.add("json", &command->json, "print the results as one JSON object");
  settings.add_flags(*app);
  add_text_option(*app, "--config", command->config,
                  "TOML file with [passes.NAME] tables and any of these settings");
  add_text_option(*app, "--out", command->out, "run folder to make [runs/MODEL_transform_DATE_N]");
  return [command] { return command->run(); };
}

}  // namespace jsc
