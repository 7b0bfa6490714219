// verify_common_metadata: the common metadata is complete and fits the graph: every node has type, op,
// arguments and results; a parameter's shape is the module's; an argument has the shape of the result it
// comes from. Throws Error naming node and rule.
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

const MetaValue& member(const MetaValue& object, const std::string& key, const std::string& node) {
  if (!object.is_object() || !object.contains(key)) fail("metadata of node '{}': '{}' is missing", node, key);
  return object.at(key);
}

void check_entry(const std::string& node, const std::string& name, const MetaValue& entry) {
  for (const char* key : {"shape", "type", "precision"})
    if (!entry.is_object() || !entry.contains(key))
      fail("metadata of node '{}': '{}' has no '{}'", node, name, key);
}

}  // namespace

PassResult verify_common_metadata(Graph& graph, const PassArguments&) {
  for (const Node& node : graph.nodes) {
    const MetaValue& common = node.meta.common;
    for (const char* key : {"mase_type", "mase_op"}) member(common, key, node.name);
    const MetaValue& args = member(common, "args", node.name);
    const MetaValue& results = member(common, "results", node.name);
    for (const auto& [name, entry] : args.items()) check_entry(node.name, name, entry);
    for (const auto& [name, entry] : results.items()) check_entry(node.name, name, entry);

    const MetaValue& out = member(results, "data_out_0", node.name);
    if (out.at("shape").back() != node.features)
      fail("metadata of node '{}': its result should have {} features, found {}", node.name, node.features,
           out.at("shape").dump());
    if (node.kind != NodeKind::call_module && node.kind != NodeKind::call_function) continue;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Node& source = graph.nodes[static_cast<std::size_t>(node.inputs[i])];
      const std::string name = fmt::format("data_in_{}", i);
      const MetaValue& in = member(args, name, node.name);
      if (in.at("shape") != source.meta.common.at("results").at("data_out_0").at("shape"))
        fail("metadata of node '{}': '{}' should have the shape of the result of '{}', found {}", node.name,
             name, source.name, in.at("shape").dump());
    }
    if (node.kind != NodeKind::call_module) continue;
    for (const Parameter& parameter : graph.find_module(node.target)->parameters())
      if (member(args, parameter.name, node.name).at("shape") != MetaValue(parameter.shape))
        fail("metadata of node '{}': '{}' should have the shape {}, found {}", node.name, parameter.name,
             MetaValue(parameter.shape).dump(), args.at(parameter.name).at("shape").dump());
  }
  return {};
}

}  // namespace jsc
