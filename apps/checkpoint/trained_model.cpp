#include "apps/checkpoint/trained_model.hpp"

#include "apps/checkpoint/integer_file.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

TrainedModel open_trained_model(const std::string& load) {
  if (load.empty()) fail("--load is needed: a run folder or a .safetensors file");
  TrainedModel trained;
  trained.path = checkpoint_path(load);
  trained.file = read_safetensors(trained.path);
  if (is_integer_network(trained.file))
    fail("{}: an integer network, which only infer and inspect take; load the checkpoint that it was made of",
         trained.path);
  if (trained.file.metadata.contains("model_toml")) trained.checkpoint = load_checkpoint(trained.path);
  return trained;
}

Expectation TrainedModel::expectation() const {
  if (!checkpoint) return {};
  const ModelContext& context = checkpoint->context;
  Expectation expected{context.feature_names, context.class_names, {}};
  if (!context.scaler.mean.empty()) expected.scaler = context.scaler;
  return expected;
}

std::string TrainedModel::name(const std::string& model) const {
  return checkpoint ? checkpoint->context.model.name : model;
}

Graph TrainedModel::graph(const std::string& model, Index features, Index classes) {
  if (checkpoint) {
    const ModelDescription& found = checkpoint->context.model;
    if (!model.empty() && find_model(model).toml != found.toml)
      fail("{}: holds the model '{}', which is not '{}'", path, found.name, model);
    return std::move(checkpoint->graph);
  }
  if (model.empty()) fail("{}: does not say which model it is: name the model", path);
  Graph graph = build_model(find_model(model), features, classes);
  load_state(graph, file, path);
  return graph;
}

Graph float_counterpart(const TrainedModel& trained) {
  JSC_ASSERT(trained.checkpoint);
  const ModelContext& context = trained.checkpoint->context;
  Graph graph =
      build_model(context.model, std::ssize(context.feature_names), std::ssize(context.class_names));
  Transforms structure;
  for (const MetaValue& transform : context.transforms.list)
    if (transform.at("pass") != "quantize") structure.list.push_back(transform);
  structure.replay(graph);
  copy_state(trained.checkpoint->graph, graph);
  return graph;
}

}  // namespace jsc
