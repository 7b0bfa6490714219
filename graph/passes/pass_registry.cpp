// The list of passes with their options and defaults, and how one is run.
#include <algorithm>

#include "engine/nearest.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

bool has_kind(const MetaValue& value, std::string_view kind) {
  if (kind == "string") return value.is_string();
  if (kind == "integer") return value.is_number_integer();
  if (kind == "number") return value.is_number();
  if (kind == "boolean") return value.is_boolean();
  if (kind == "list") return value.is_array();
  if (kind == "table") return value.is_object();
  return false;
}

}  // namespace

std::span<const Pass> graph_passes() {
  using enum PassKind;
  static const std::vector<Pass> passes = {
      {"init_metadata", analysis, "give every node and the graph empty metadata", {}, init_metadata},
      {"add_common_metadata",
       analysis,
       "run a few rows through the network and note shape, type, precision and source of every argument and "
       "result",
       {{"batch_size", "integer", "8", "rows of the dummy input"},
        {"add_value", "boolean", "true", "keep the values themselves, too"}},
       add_common_metadata},
      {"add_software_metadata",
       analysis,
       "make room for statistics at every argument and result",
       {},
       add_software_metadata},
      {"add_hardware_metadata",
       analysis,
       "note how each node would be built in hardware",
       {},
       add_hardware_metadata},
      {"verify_common_metadata",
       analysis,
       "check that the common metadata is complete and fits the graph",
       {},
       verify_common_metadata},
      {"save_node_meta_param",
       analysis,
       "write all metadata as TOML",
       {{"save_path", "string", "null", "write it to this file, too"}},
       save_node_meta_param},
      {"load_node_meta_param",
       analysis,
       "read metadata that save_node_meta_param wrote",
       {{"load_path", "string", "", "file to read"}},
       load_node_meta_param},
      {"report_graph",
       analysis,
       "show the graph, the number of nodes of each kind, and the layers",
       {{"file_name", "string", "null", "write it to this file, too"}},
       report_graph},
      {"report_node_meta_param",
       analysis,
       "show the metadata of every node",
       {{"which", "list", "[\"all\"]", "which columns: all, common, hardware, software"},
        {"save_path", "string", "null", "write it to this file, too"}},
       report_node_meta_param},
      {"report_node_type", analysis, "show what each node is", {}, report_node_type},
      {"report_node_shape", analysis, "show the shapes of arguments and results", {}, report_node_shape},
      {"report_node_hardware_type",
       analysis,
       "show the tool chain of each node",
       {},
       report_node_hardware_type},
      {"profile_statistics",
       analysis,
       "gather statistics of weights and activations, into the metadata and a table",
       {{"by", "string", "", "what targets are: \"name\" of a node, or \"type\" (its mase_op)"},
        {"target_weight_nodes", "list", "[]", "nodes whose parameters and buffers are profiled"},
        {"target_activation_nodes", "list", "[]", "nodes whose inputs are profiled"},
        {"weight_statistics", "table", "{}", "statistic = {options}, for weights"},
        {"activation_statistics", "table", "{}", "statistic = {options}, for activations"},
        {"num_samples", "integer", "512", "rows of the input to run, exactly"},
        {"profile_output_activation", "boolean", "false", "the outputs of the target nodes too"},
        {"profile_input", "boolean", "false", "the network's input too"}},
       profile_statistics},
      {"profile_ranges",
       analysis,
       "find the magnitudes of every weight and activation tensor: five numbers, zeros and octaves",
       {{"num_samples", "integer", "null", "rows of the input to run; null: all"}},
       profile_ranges},
      {"draw_graph",
       analysis,
       "draw the graph with Graphviz",
       {{"file_name", "string", "null", "write the SVG to this file, too, and the .dot beside it"}},
       draw_graph},
      {"count_operations",
       analysis,
       "count parameters, MACs, FLOPs and BitOPs of each node",
       {},
       count_operations},
      {"memory_footprint",
       analysis,
       "count the bytes of parameters, buffers and results",
       {},
       memory_footprint},
  };
  return passes;
}

MetaValue complete_options(const Pass& pass, const MetaValue& options) {
  std::vector<std::string_view> known;
  for (const PassOption& option : pass.options) known.push_back(option.key);
  const bool open = std::ranges::find(known, "*") != known.end();
  for (const auto& [key, value] : options.items())
    if (!open && std::ranges::find(known, key) == known.end())
      fail("pass {}: unknown key '{}'{}", pass.name, key, suggestion(key, known));
  MetaValue complete = MetaValue::object();
  for (const PassOption& option : pass.options) {
    const std::string key(option.key);
    if (key == "*") {
      for (const auto& [further, value] : options.items())
        if (std::ranges::find(known, further) == known.end()) complete[further] = value;
      continue;
    }
    const MetaValue value = options.contains(key) ? options[key] : MetaValue();
    if (value.is_null()) {
      if (option.default_value.empty())
        fail("pass {}: needs the key '{}' ({})", pass.name, key, option.about);
      complete[key] = MetaValue::parse(option.default_value);
      continue;
    }
    if (!has_kind(value, option.kind))
      fail("pass {}: '{}' should be {} {}, found {}", pass.name, key, option.kind == "integer" ? "an" : "a",
           option.kind, value.dump());
    complete[key] = value;
  }
  return complete;
}

PassResult run_pass(const Pass& pass, Graph& graph, PassArguments arguments) {
  arguments.options = complete_options(pass, arguments.options);
  PassResult result = pass.run(graph, arguments);
  if (pass.kind == PassKind::transform) verify(graph);
  return result;
}

}  // namespace jsc
