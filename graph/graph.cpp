#include "graph/graph.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "graph/functions.hpp"

namespace jsc {

std::string_view node_kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::placeholder:
      return "placeholder";
    case NodeKind::get_attr:
      return "get_attr";
    case NodeKind::call_function:
      return "call_function";
    case NodeKind::call_method:
      return "call_method";
    case NodeKind::call_module:
      return "call_module";
    case NodeKind::output:
      return "output";
  }
  return "unknown";
}

Module* Graph::find_module(std::string_view path) const {
  for (const auto& [known, module] : modules)
    if (known == path) return module.get();
  return nullptr;
}

std::string_view module_path(const Node& node) {
  const std::string_view target = node.target;
  if (node.kind == NodeKind::call_module) return target;
  return node.kind == NodeKind::get_attr ? target.substr(0, target.rfind('.')) : std::string_view();
}

Module* Graph::module_of(const Node& node) const {
  return find_module(module_path(node));
}

const Parameter* Graph::parameter_of(const Node& node) const {
  const Module* module = node.kind == NodeKind::get_attr ? module_of(node) : nullptr;
  if (module == nullptr) return nullptr;
  for (const Parameter& parameter : module->parameters())
    if (node.target.ends_with("." + parameter.name)) return &parameter;
  return nullptr;
}

const Node& Graph::input() const {
  return nodes.front();
}

const Node& Graph::result() const {
  return nodes[static_cast<std::size_t>(nodes.back().inputs[0])];
}

void Graph::bind_parameters() {
  Index size = 0;
  for (const auto& [path, module] : modules)
    for (const Parameter& p : module->parameters()) size += round_up(p.rows() * p.cols(), kLanes);

  ParameterBlock fresh{make_aligned<float>(size), make_aligned<float>(size), size};
  Index offset = 0;
  for (const auto& [path, module] : modules) {
    for (Parameter& p : module->parameters()) {
      const Index count = p.rows() * p.cols();
      float* value = fresh.values.get() + offset;
      if (p.value) std::memcpy(value, p.value.data, static_cast<std::size_t>(count) * sizeof(float));
      p.value = {value, p.rows(), p.cols(), p.cols()};
      p.gradient = {fresh.gradients.get() + offset, p.rows(), p.cols(), p.cols()};
      offset += round_up(count, kLanes);
    }
  }
  block = std::move(fresh);
}

void Graph::initialize(std::uint64_t seed) {
  std::uint64_t stream = 0;
  for (const auto& [path, module] : modules) module->initialize({seed, stream++});
}

std::string unique_name(const Graph& graph, std::string name) {
  std::ranges::replace(name, '.', '_');
  const auto taken = [&](const std::string& candidate) {
    return std::ranges::any_of(graph.nodes, [&](const Node& node) { return node.name == candidate; });
  };
  std::string unique = name;
  for (int i = 1; taken(unique); ++i) unique = fmt::format("{}_{}", name, i);
  return unique;
}

Index Graph::parameter_count() const {
  Index count = 0;
  for (const auto& [path, module] : modules)
    for (const Parameter& p : module->parameters()) count += p.rows() * p.cols();
  return count;
}

void check_operands(const Graph& graph, std::string_view op, const std::vector<NodeId>& inputs) {
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Node& source = graph.nodes[static_cast<std::size_t>(inputs[k])];
    const bool fetched = source.kind == NodeKind::get_attr;
    if (op != "matmul" || k != 1) {
      if (fetched)
        fail("expected an activation as {}, found the parameter '{}' (only matmul takes one, on its right)",
             op == "matmul" ? "left operand" : "input", source.target);
      continue;
    }
    const Node& left = graph.nodes[static_cast<std::size_t>(inputs[0])];
    if (!fetched)
      fail(
          "matmul multiplies an activation and a parameter, found two activations ('{}' and '{}'), whose "
          "product mixes the samples of a batch",
          left.name, source.name);
    const Parameter* weight = graph.parameter_of(source);
    if (weight != nullptr && weight->rows() != left.features)
      fail("matmul: expected '{}' with {} rows (the features of '{}'), found {} x {}", source.target,
           left.features, left.name, weight->rows(), weight->cols());
  }
}

namespace {

void verify_node(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[static_cast<std::size_t>(id)];
  const bool last = id + 1 == static_cast<NodeId>(graph.nodes.size());
  if ((node.kind == NodeKind::placeholder) != (id == 0))
    fail("graph: node '{}': exactly the first node is a placeholder", node.name);
  if ((node.kind == NodeKind::output) != last)
    fail("graph: node '{}': exactly the last node is an output", node.name);

  std::vector<Index> features;
  for (NodeId input : node.inputs) {
    if (input < 0 || input >= id) fail("graph: node '{}': an input does not stand before it", node.name);
    features.push_back(graph.nodes[static_cast<std::size_t>(input)].features);
  }

  Index expected = node.features;
  try {
    if (node.kind == NodeKind::call_module || node.kind == NodeKind::get_attr) {
      const Module* module = graph.module_of(node);
      if (module == nullptr) fail("there is no module '{}'", module_path(node));
      if (node.kind == NodeKind::get_attr && graph.parameter_of(node) == nullptr)
        fail("there is no parameter '{}'", node.target);
      check_operands(graph, module->op(), node.inputs);
      expected = module->output_features(features);
    } else if (node.kind == NodeKind::call_function) {
      check_operands(graph, node.target, node.inputs);
      expected = find_function(node.target).output_features(features);
    } else if (node.kind == NodeKind::output) {
      if (features.size() != 1) fail("expected one value to return, found {}", features.size());
      check_operands(graph, "output", node.inputs);
      expected = features[0];
    }
  } catch (const Error& error) {
    fail("graph: node '{}': {}", node.name, error.what());
  }
  if (node.features < 1 || node.features != expected)
    fail("graph: node '{}': it should yield {} features, found {}", node.name, expected, node.features);
}

}  // namespace

void verify(const Graph& graph) {
  if (graph.nodes.size() < 2)
    fail("graph: expected at least an input and an output node, found {} nodes", graph.nodes.size());
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!names.insert(graph.nodes[i].name).second)
      fail("graph: node '{}': the name is used twice", graph.nodes[i].name);
    verify_node(graph, static_cast<NodeId>(i));
  }
}

}  // namespace jsc
