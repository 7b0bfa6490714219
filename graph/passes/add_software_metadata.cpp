// add_software_metadata: a place for statistics at every argument and result: software.args.ENTRY.stat = {}
// for the inputs, the parameters and the buffers of a node (not BatchNorm's batch counter),
// software.results.data_out_0.stat = {}. A placeholder has results only, the output arguments only. Each
// entry is a dictionary of its own.
#include "graph/passes/passes.hpp"

namespace jsc {

PassResult add_software_metadata(Graph& graph, const PassArguments&) {
  const MetaValue empty = {{"stat", MetaValue::object()}};
  for (Node& node : graph.nodes) {
    MetaValue args = MetaValue::object(), results = MetaValue::object();
    for (std::size_t i = 0; i < node.inputs.size(); ++i) args[fmt::format("data_in_{}", i)] = empty;
    if (node.kind == NodeKind::call_module) {
      const Module* module = graph.find_module(node.target);
      for (const Parameter& parameter : module->parameters()) args[parameter.name] = empty;
      for (const Buffer& buffer : module->buffers())
        if (!buffer.shape.empty()) args[buffer.name] = empty;
    }
    if (node.kind != NodeKind::output) results["data_out_0"] = empty;
    node.meta.software["args"] = std::move(args);
    node.meta.software["results"] = std::move(results);
  }
  return {};
}

}  // namespace jsc
