#include "graph/edit.hpp"

#include <algorithm>
#include <utility>

#include "engine/nearest.hpp"
#include "graph/functions.hpp"

namespace jsc {

namespace {

std::vector<Index> features_of(const Graph& graph, const std::vector<NodeId>& inputs) {
  std::vector<Index> features;
  for (NodeId input : inputs) features.push_back(graph.nodes[static_cast<std::size_t>(input)].features);
  return features;
}

// Makes room at `position`, or closes the gap there: positions at or after it move by `by`.
void shift(Graph& graph, NodeId position, NodeId by) {
  for (Node& node : graph.nodes)
    for (NodeId& input : node.inputs)
      if (input >= position) input += by;
}

// The block that the parameters lay in is gone.
void unbind(Module& module) {
  for (Parameter& parameter : module.parameters()) parameter.value = parameter.gradient = {};
}

NodeId insert(Graph& graph, NodeId position, std::string_view op, Node node) {
  if (position < 1 || position >= static_cast<NodeId>(graph.nodes.size()))
    fail("graph: a node can stand between the input and the output, not at position {}", position);
  for (NodeId input : node.inputs)
    if (input < 0 || input >= position)
      fail("graph: node '{}': an input does not stand before it", node.name);
  node.name = unique_name(graph, node.name);
  try {
    check_operands(graph, op, node.inputs);
  } catch (const Error& error) {
    fail("graph: node '{}': {}", node.name, error.what());
  }
  shift(graph, position, 1);
  graph.nodes.insert(graph.nodes.begin() + position, std::move(node));
  return position;
}

}  // namespace

NodeId find_node(const Graph& graph, std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].name == name) return static_cast<NodeId>(i);
    names.push_back(graph.nodes[i].name);
  }
  fail("there is no node '{}'{}", name, suggestion(name, names));
}

std::vector<NodeId> users(const Graph& graph, NodeId node) {
  std::vector<NodeId> found;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (std::ranges::find(graph.nodes[i].inputs, node) != graph.nodes[i].inputs.end())
      found.push_back(static_cast<NodeId>(i));
  return found;
}

NodeId insert_module_before(Graph& graph, NodeId position, const std::string& path,
                            std::shared_ptr<Module> module, std::vector<NodeId> inputs) {
  if (graph.find_module(path) != nullptr) fail("graph: there is a module '{}' already", path);
  const Index features = module->output_features(features_of(graph, inputs));
  const NodeId id =
      insert(graph, position, module->op(), {NodeKind::call_module, path, path, std::move(inputs), features});
  graph.modules.emplace_back(path, std::move(module));
  graph.bind_parameters();
  return id;
}

NodeId insert_function_before(Graph& graph, NodeId position, const std::string& function,
                              std::vector<NodeId> inputs) {
  const Index features = find_function(function).output_features(features_of(graph, inputs));
  return insert(graph, position, function,
                {NodeKind::call_function, function, function, std::move(inputs), features});
}

void replace_uses(Graph& graph, NodeId node, NodeId replacement) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (static_cast<NodeId>(i) != replacement) std::ranges::replace(graph.nodes[i].inputs, node, replacement);
}

void erase(Graph& graph, NodeId node) {
  const Node& gone = graph.nodes[static_cast<std::size_t>(node)];
  if (gone.kind == NodeKind::placeholder || gone.kind == NodeKind::output)
    fail("graph: node '{}': the input and the output stay", gone.name);
  const std::vector<NodeId> readers = users(graph, node);
  if (!readers.empty())
    fail("graph: node '{}': '{}' reads it", gone.name,
         graph.nodes[static_cast<std::size_t>(readers[0])].name);
  const std::string path(module_path(gone));
  graph.nodes.erase(graph.nodes.begin() + node);
  shift(graph, node, -1);
  const auto calls = [&](const Node& other) { return module_path(other) == path; };
  if (!path.empty() && std::ranges::none_of(graph.nodes, calls)) {
    std::erase_if(graph.modules, [&](const auto& entry) { return entry.first == path; });
    graph.bind_parameters();
  }
}

std::shared_ptr<Module> swap_module(Graph& graph, std::string_view path, std::shared_ptr<Module> module) {
  for (auto& [known, current] : graph.modules) {
    if (known != path) continue;
    std::shared_ptr<Module> old = std::exchange(current, std::move(module));
    for (const Parameter& from : old->parameters())
      for (Parameter& to : current->parameters())
        if (from.name == to.name && from.shape == to.shape) to.value = from.value;  // binding copies it
    graph.bind_parameters();
    unbind(*old);
    return old;
  }
  std::vector<std::string_view> paths;
  for (const auto& entry : graph.modules) paths.push_back(entry.first);
  fail("graph: there is no module '{}'{}", path, suggestion(path, paths));
}

}  // namespace jsc
