#include "apps/training/start_run.hpp"

#include <fmt/core.h>

#include "apps/transform/inputs.hpp"

namespace jsc {

namespace {

void run_transforms(const std::vector<PassCall>& passes, const TrainSettings& settings,
                    const PreparedData& data, Graph& graph, Transforms& transforms) {
  const PreparedInput input(data, data.split.train, settings.execution());
  for (const PassCall& call : passes) {
    if (call.pass->kind != PassKind::transform)
      fail("{}: '{}' is an analysis; train takes transforms only (jsc-train transform runs all passes)",
           call.where, call.pass->name);
    PassArguments arguments;
    arguments.options = call.options;
    arguments.input = &input;
    arguments.execution = settings.execution();
    try {
      const PassResult result = run_pass(*call.pass, graph, arguments);
      if (!settings.quiet || result.text.starts_with("warning:"))
        fmt::print(stderr, "{}  {}", call.pass->name, result.text);
    } catch (const Error& error) {
      fail("{}: {}", call.where, error.what());
    }
    transforms.add(call.pass->name, call.options, graph);
  }
}

void require_same_settings(const std::map<std::string, std::string>& begun, const TrainSettings& settings,
                           const RunFolder& folder) {
  for (const auto& [key, value] : settings.decisive())
    if (const auto before = begun.find(key); before != begun.end() && before->second != value)
      fail("{}: '{}': expected '{}', found '{}': --resume continues a run as it was configured",
           folder.file("config.toml"), key, before->second, value);
}

}  // namespace

StartingPoint find_starting_point(TrainSettings& settings) {
  StartingPoint start;
  if (!settings.load.empty()) start.loaded = open_trained_model(settings.load);
  const bool checkpoint = start.loaded && start.loaded->checkpoint;
  // config.toml of a run from a checkpoint has the name that the checkpoint told.
  start.model_given = !settings.model.empty() &&
                      !(checkpoint && settings.model == start.loaded->checkpoint->context.model.name);
  if (!start.model_given && !checkpoint) fail("train: no model given (jsc-train models lists them)");
  start.model = start.model_given ? find_model(settings.model) : start.loaded->checkpoint->context.model;
  if (!start.model_given) settings.model = start.model.name;
  return start;
}

std::unique_ptr<Run> new_run(const TrainSettings& settings, StartingPoint start,
                             const std::vector<PassCall>& passes, std::shared_ptr<const PreparedData> data,
                             RunFolder folder) {
  ModelContext context;
  if (start.loaded && start.loaded->checkpoint) context = start.loaded->checkpoint->context;
  context.model = start.model;
  context.feature_names = data->data.feature_names;
  context.class_names = data->data.class_names;
  context.scaler = data->scaler;
  const Index features = data->data.features, classes = std::ssize(context.class_names);
  Graph graph;
  if (start.loaded) {
    graph = start.loaded->graph(start.model_given ? settings.model : "", features, classes);
  } else {
    graph = build_model(context.model, features, classes);
    graph.initialize(static_cast<std::uint64_t>(settings.seed));
  }
  run_transforms(passes, settings, *data, graph, context.transforms);
  return std::make_unique<Run>(settings, std::move(folder), std::move(data), std::move(context),
                               std::move(graph));
}

void open_run_folder(Run& run, const std::string& config) {
  run.folder().claim(config);  // first: alone it is a run that --resume can begin
  run.save_last();
}

bool has_begun(const RunFolder& folder) {
  for (const char* name : {"last.safetensors", "best.safetensors", "metrics.csv"})
    if (folder.has(name)) return true;
  return false;
}

Expectation LastState::expectation() const {
  return {checkpoint.context.feature_names, checkpoint.context.class_names, checkpoint.context.scaler};
}

LastState read_last_state(const RunFolder& folder) {
  const std::string path = folder.file("last.safetensors");
  LastState last{path, load_checkpoint(path)};
  if (!last.checkpoint.training) fail("{}: holds no training state", path);
  return last;
}

std::unique_ptr<Run> continued_run(const TrainSettings& settings, LastState last,
                                   std::shared_ptr<const PreparedData> data, RunFolder folder) {
  Checkpoint& checkpoint = last.checkpoint;
  require_same_settings(checkpoint.training->settings, settings, folder);
  auto run = std::make_unique<Run>(settings, std::move(folder), std::move(data),
                                   std::move(checkpoint.context), std::move(checkpoint.graph));
  run->restore(*checkpoint.training, checkpoint.file, last.path);
  return run;
}

}  // namespace jsc
