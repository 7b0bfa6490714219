#include "graph/executor.hpp"

#include <utility>

#include "graph/functions.hpp"
#include "graph/modules.hpp"

namespace jsc {

namespace {

// Streams of random layers, one a node, apart from those that initialise (numbered from 0) and shuffle.
constexpr std::uint64_t kLayerStreams = std::uint64_t{1} << 48;

// What alone reads a layer and can be part of its step, by the layer's id; -1 for none. A batch normalization
// comes with the ReLU behind it.
struct Fusions {
  std::vector<NodeId> relus, norms;
  explicit Fusions(const Graph& graph) : relus(graph.nodes.size(), -1), norms(graph.nodes.size(), -1) {}
};

Fusions find_fusions(const Graph& graph, Mode mode, bool gradients) {
  Fusions found(graph);
  std::vector<int> readers(graph.nodes.size());
  for (const Node& node : graph.nodes)
    for (NodeId input : node.inputs) ++readers[static_cast<std::size_t>(input)];
  // The module before a node that alone reads it; null for none.
  const auto before = [&](const Node& node) -> Module* {
    const auto layer = static_cast<std::size_t>(node.inputs[0]);
    if (readers[layer] != 1 || graph.nodes[layer].kind != NodeKind::call_module) return nullptr;
    return graph.find_module(graph.nodes[layer].target);
  };
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& relu = graph.nodes[id];
    if (relu.kind != NodeKind::call_module || graph.find_module(relu.target)->type() != "ReLU") continue;
    const auto layer = static_cast<std::size_t>(relu.inputs[0]);
    const Module* const module = before(relu);
    if (module == nullptr || !module->fuses_relu()) continue;
    const Node& node = graph.nodes[layer];
    if (mode == Mode::evaluate && dynamic_cast<const BatchNorm1d*>(module) != nullptr) {
      if (gradients) continue;  // batch_norm_eval has none of both
      const Module* const first = before(node);
      if (first != nullptr && first->fuses_batch_norm()) {
        const auto start = static_cast<std::size_t>(node.inputs[0]);
        found.norms[start] = static_cast<NodeId>(layer);
        found.relus[start] = static_cast<NodeId>(id);
        continue;
      }
    }
    found.relus[layer] = static_cast<NodeId>(id);
  }
  return found;
}

}  // namespace

Recording record(const Graph& graph, Tape& tape, Index batch, Mode mode, const RecordOptions& options) {
  Recording recording;
  const Fusions fusions = options.fuse ? find_fusions(graph, mode, tape.wants_gradients()) : Fusions(graph);
  std::vector<Variable> ready(graph.nodes.size());  // of a ReLU, by the step of a layer before it
  std::vector<bool> absorbed(graph.nodes.size());   // of a batch normalization
  const auto record_module = [&](std::size_t id, std::span<const Variable> inputs) {
    if (absorbed[id] || ready[id]) return ready[id];
    const Node& node = graph.nodes[id];
    const NodeId relu = fusions.relus[id], norm = fusions.norms[id];
    RecordContext context{mode, {options.seed, kLayerStreams + id}, relu >= 0};
    BatchNormLayer norm_layer{};
    if (norm >= 0) {
      const std::string& path = graph.nodes[static_cast<std::size_t>(norm)].target;
      norm_layer = dynamic_cast<BatchNorm1d&>(*graph.find_module(path)).on_tape(tape, path);
      context.norm = &norm_layer;
      absorbed[static_cast<std::size_t>(norm)] = true;
    }
    const Variable value = graph.find_module(node.target)->record(tape, inputs, context, node.target);
    return relu >= 0 ? std::exchange(ready[static_cast<std::size_t>(relu)], value) : value;
  };
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
        value = record_module(id, inputs);
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
