#include "graph/builder.hpp"

#include "graph/functions.hpp"

namespace jsc {

GraphBuilder::GraphBuilder(Index features, std::string input_name) {
  if (features < 1) fail("network: expected at least one input feature, found {}", features);
  std::string target = input_name;
  append(NodeKind::placeholder, std::move(input_name), std::move(target), {}, features);
}

NodeId GraphBuilder::append(NodeKind kind, std::string name, std::string target, std::vector<NodeId> inputs,
                            Index features) {
  graph_.nodes.push_back(
      {kind, unique_name(graph_, std::move(name)), std::move(target), std::move(inputs), features});
  return static_cast<NodeId>(graph_.nodes.size() - 1);
}

std::vector<Index> GraphBuilder::features_of(const std::vector<NodeId>& inputs) const {
  std::vector<Index> sizes;
  for (NodeId input : inputs) sizes.push_back(features(input));
  return sizes;
}

NodeId GraphBuilder::call_module(const std::string& path, std::shared_ptr<Module> module,
                                 std::vector<NodeId> inputs) {
  Module* known = graph_.find_module(path);
  if (known == nullptr) {
    JSC_ASSERT(module != nullptr);
    known = module.get();
    graph_.modules.emplace_back(path, std::move(module));
  }
  const Index out = known->output_features(features_of(inputs));
  return append(NodeKind::call_module, path, path, std::move(inputs), out);
}

NodeId GraphBuilder::call_function(const std::string& function, std::vector<NodeId> inputs) {
  const Index out = find_function(function).output_features(features_of(inputs));
  return append(NodeKind::call_function, function, function, std::move(inputs), out);
}

Graph GraphBuilder::finish(NodeId result) {
  append(NodeKind::output, "output", "output", {result}, features(result));
  graph_.bind_parameters();
  verify(graph_);
  return std::move(graph_);
}

}  // namespace jsc
