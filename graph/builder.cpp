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

Module& GraphBuilder::module_at(const std::string& path, std::shared_ptr<Module> module) {
  if (Module* known = graph_.find_module(path)) return *known;
  JSC_ASSERT(module != nullptr);
  return *graph_.modules.emplace_back(path, std::move(module)).second;
}

void GraphBuilder::check(std::string_view op, const std::string& name,
                         const std::vector<NodeId>& inputs) const {
  try {
    check_operands(graph_, op, inputs);
  } catch (const Error& error) {
    fail("node '{}': {}", unique_name(graph_, name), error.what());
  }
}

NodeId GraphBuilder::call_module(const std::string& path, std::shared_ptr<Module> module,
                                 std::vector<NodeId> inputs) {
  const Module& called = module_at(path, std::move(module));
  check(called.op(), path, inputs);
  const Index out = called.output_features(features_of(inputs));
  return append(NodeKind::call_module, path, path, std::move(inputs), out);
}

NodeId GraphBuilder::get_attr(const std::string& path, std::shared_ptr<Module> module) {
  const Module& holder = module_at(path, std::move(module));
  const std::string target = fmt::format("{}.{}", path, holder.parameters()[0].name);
  return append(NodeKind::get_attr, target, target, {}, holder.output_features({}));
}

NodeId GraphBuilder::call_function(const std::string& function, std::vector<NodeId> inputs) {
  check(function, function, inputs);
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
