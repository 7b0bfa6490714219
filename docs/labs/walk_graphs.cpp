// Walks two graphs side by side and comments on their nodes: a network, and the same network with one layer
// replaced and one inserted. Nodes are matched by name, so a node that only one graph has is told as such.
#include <fmt/core.h>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/mase_names.hpp"
#include "graph/modules.hpp"

using namespace jsc;

namespace {

Graph jsc_tiny() {
  GraphBuilder builder(16);
  NodeId h = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(16), {builder.input()});
  h = builder.call_module("seq_blocks.1", std::make_shared<ReLU>(true), {h});
  h = builder.call_module("seq_blocks.2", std::make_shared<Linear>(16, 5), {h});
  h = builder.call_module("seq_blocks.3", std::make_shared<ReLU>(true), {h});
  return builder.finish(h);
}

Node* node_named(Graph& graph, const std::string& name) {
  for (Node& node : graph.nodes)
    if (node.name == name) return &node;
  return nullptr;
}

std::string what_it_runs(const Graph& graph, const Node& node) {
  return node.kind == NodeKind::call_module ? graph.find_module(node.target)->describe() : node.target;
}

std::string reads(const Graph& graph, const Node& node) {
  std::string names;
  for (NodeId input : node.inputs) names += " " + graph.nodes[static_cast<std::size_t>(input)].name;
  return names.empty() ? "nothing" : names.substr(1);
}

std::string comment(const Graph& a, const Node& before, const Graph& b, const Node& after) {
  if (what_it_runs(a, before) != what_it_runs(b, after))
    return fmt::format("was {}, is {}", what_it_runs(a, before), what_it_runs(b, after));
  if (reads(a, before) != reads(b, after))
    return fmt::format("read {}, reads {}", reads(a, before), reads(b, after));
  return "the same: " + what_it_runs(b, after);
}

}  // namespace

int main() {
  Graph original = jsc_tiny(), changed = jsc_tiny();
  swap_module(changed, "seq_blocks.3", std::make_shared<Hardtanh>(0.0, 4.0));
  const NodeId linear = find_node(changed, "seq_blocks_2");
  const NodeId clip =
      insert_module_before(changed, linear, "clip", std::make_shared<Hardtanh>(-2.0, 2.0), {linear - 1});
  replace_uses(changed, linear - 1, clip);
  verify(changed);

  for (const Node& after : changed.nodes) {
    const Node* before = node_named(original, after.name);
    fmt::print("{:13} {:12} {:13} {}\n", after.name, node_kind_name(after.kind), mase_op(changed, after),
               before == nullptr ? "new: " + what_it_runs(changed, after)
                                 : comment(original, *before, changed, after));
  }
  for (const Node& before : original.nodes)
    if (node_named(changed, before.name) == nullptr) fmt::print("{:13} is gone\n", before.name);
}
