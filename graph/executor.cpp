#include "graph/executor.hpp"

#include <utility>

#include "graph/functions.hpp"

namespace jsc {

namespace {

// Streams of random layers, one a node, apart from those that initialise (numbered from 0) and shuffle.
constexpr std::uint64_t kLayerStreams = std::uint64_t{1} << 48;

// The ReLU that alone reads a layer and can be part of its step, by the layer's id; -1 for none.
std::vector<NodeId> fused_relus(const Graph& graph) {
  std::vector<int> readers(graph.nodes.size());
  for (const Node& node : graph.nodes)
    for (NodeId input : node.inputs) ++readers[static_cast<std::size_t>(input)];
  std::vector<NodeId> relus(graph.nodes.size(), -1);
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (node.kind != NodeKind::call_module || graph.find_module(node.target)->type() != "ReLU") continue;
    const auto layer = static_cast<std::size_t>(node.inputs[0]);
    const Node& before = graph.nodes[layer];
    if (readers[layer] == 1 && before.kind == NodeKind::call_module &&
        graph.find_module(before.target)->fuses_relu())
      relus[layer] = static_cast<NodeId>(id);
  }
  return relus;
}

}  // namespace

Recording record(const Graph& graph, Tape& tape, Index batch, Mode mode, const RecordOptions& options) {
  Recording recording;
  const std::vector<NodeId> relus =
      options.fuse ? fused_relus(graph) : std::vector<NodeId>(graph.nodes.size(), -1);
  std::vector<Variable> ready(graph.nodes.size());  // of a ReLU, by the step of the layer before it
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    std::vector<Variable> inputs;
    for (NodeId input : node.inputs) inputs.push_back(recording.values[static_cast<std::size_t>(input)]);

    Variable value;
    switch (node.kind) {
      case NodeKind::placeholder:
        value = recording.input = options.input ? options.input : tape.input(node.features, batch);
        break;
      case NodeKind::call_module:
        value = ready[id]
                    ? ready[id]
                    : graph.find_module(node.target)
                          ->record(tape, inputs, {mode, {options.seed, kLayerStreams + id}, relus[id] >= 0},
                                   node.target);
        if (relus[id] >= 0) value = std::exchange(ready[static_cast<std::size_t>(relus[id])], value);
        break;
      case NodeKind::call_function:
        value = find_function(node.target).record(tape, inputs);
        break;
      case NodeKind::output:
        value = recording.output = inputs[0];
        break;
      case NodeKind::get_attr:
        value = graph.module_of(node)->record(tape, {}, {mode}, module_path(node));
        break;
      case NodeKind::call_method:
        fail("graph: node '{}': {} cannot be executed", node.name, node_kind_name(node.kind));
    }
    recording.values.push_back(value);
  }
  return recording;
}

std::uint64_t recording_key(const Graph& graph) {
  std::uint64_t key = 0;
  for (const auto& [path, module] : graph.modules) key = key * 31 + module->recording_key();
  return key;
}

}  // namespace jsc
