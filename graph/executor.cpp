#include "graph/executor.hpp"

#include "graph/functions.hpp"

namespace jsc {

namespace {

// Streams of random layers, one a node, apart from those that initialise (numbered from 0) and shuffle.
constexpr std::uint64_t kLayerStreams = std::uint64_t{1} << 48;

}  // namespace

Recording record(const Graph& graph, Tape& tape, Index batch, Mode mode, std::uint64_t seed) {
  Recording recording;
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    std::vector<Variable> inputs;
    for (NodeId input : node.inputs) inputs.push_back(recording.values[static_cast<std::size_t>(input)]);

    Variable value;
    switch (node.kind) {
      case NodeKind::placeholder:
        value = recording.input = tape.input(node.features, batch);
        break;
      case NodeKind::call_module:
        value = graph.find_module(node.target)
                    ->record(tape, inputs, {mode, {seed, kLayerStreams + id}}, node.target);
        break;
      case NodeKind::call_function:
        value = find_function(node.target).record(tape, inputs);
        break;
      case NodeKind::output:
        value = recording.output = inputs[0];
        break;
      case NodeKind::get_attr:
      case NodeKind::call_method:
        fail("graph: node '{}': {} cannot be executed", node.name, node_kind_name(node.kind));
    }
    recording.values.push_back(value);
  }
  return recording;
}

}  // namespace jsc
