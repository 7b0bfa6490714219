// save_node_meta_param and load_node_meta_param: all metadata of the nodes and of the graph as TOML, and
// back. One table a node, by name, with common, software, hardware; the graph's own under "graph". "NA"
// stands for None.
#include <algorithm>

#include "engine/nearest.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

constexpr const char* kGraph = "graph";

MetaValue value_of(const Metadata& meta) {
  return {{"common", meta.common}, {"software", meta.software}, {"hardware", meta.hardware}};
}

Metadata metadata_of(const MetaValue& value, const std::string& where) {
  Metadata meta;
  for (const auto& [key, part] : value.items()) {
    if (!part.is_object()) fail("{}: '{}' should be a table", where, key);
    if (key == "common")
      meta.common = part;
    else if (key == "software")
      meta.software = part;
    else if (key == "hardware")
      meta.hardware = part;
    else
      fail("{}: expected the tables common, software and hardware, found '{}'", where, key);
  }
  return meta;
}

}  // namespace

PassResult save_node_meta_param(Graph& graph, const PassArguments&) {
  MetaValue all = {{kGraph, value_of(graph.meta)}};
  for (const Node& node : graph.nodes) {
    if (node.name == kGraph)
      fail("pass save_node_meta_param: a node is called '{}', which is the graph's own table", kGraph);
    all[node.name] = value_of(node.meta);
  }
  PassResult result;
  result.text = metadata_to_toml(all);
  result.text_ending = "toml";
  return result;
}

PassResult load_node_meta_param(Graph& graph, const PassArguments& arguments) {
  const auto path = arguments.options.at("load_path").get<std::string>();
  const MetaValue all = metadata_from_toml(arguments.read_file(path), path);
  std::vector<std::string_view> names = {kGraph};
  for (const Node& node : graph.nodes) names.push_back(node.name);
  for (const auto& [name, value] : all.items())
    if (std::ranges::find(names, name) == names.end())
      fail("{}: there is no node '{}'{}", path, name, suggestion(name, names));
  for (Node& node : graph.nodes)
    if (all.contains(node.name))
      node.meta = metadata_of(all.at(node.name), fmt::format("{}: '{}'", path, node.name));
  if (all.contains(kGraph)) graph.meta = metadata_of(all.at(kGraph), fmt::format("{}: '{}'", path, kGraph));
  return {};
}

}  // namespace jsc
