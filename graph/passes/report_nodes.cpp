// report_node_meta_param, report_node_type, report_node_shape, report_node_hardware_type: one row a node,
// from its metadata.
#include <algorithm>

#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

constexpr std::string_view kParts[] = {"all", "common", "hardware", "software"};

std::string text_or(const MetaValue& object, const char* key, const char* fallback) {
  if (!object.contains(key) || object.at(key).is_null()) return fallback;
  return object.at(key).is_string() ? object.at(key).get<std::string>() : object.at(key).dump();
}

std::vector<std::string> node_columns(const Node& node) {
  return {node.name, std::string(node_kind_name(node.kind)), text_or(node.meta.common, "mase_type", "NA"),
          text_or(node.meta.common, "mase_op", "NA")};
}

// "data_in_0 [8, 16]", one a line.
std::string shapes(const MetaValue& common, const char* side) {
  std::string text;
  if (!common.contains(side)) return text;
  for (const auto& [name, entry] : common.at(side).items())
    text += (text.empty() ? "" : "\n") + name + " " + python_text(entry.at("shape"));
  return text;
}

PassResult one_table(ReportTable table) {
  PassResult result;
  table.numeric.assign(table.titles.size(), false);
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace

PassResult report_node_meta_param(Graph& graph, const PassArguments& arguments) {
  std::vector<std::string> which;
  for (const MetaValue& part : arguments.options.at("which")) {
    if (!part.is_string() || std::ranges::find(kParts, part.get<std::string>()) == std::end(kParts))
      fail("pass report_node_meta_param: 'which' lists all, common, hardware or software, found {}",
           part.dump());
    which.push_back(part.get<std::string>());
  }
  const auto wants = [&](std::string_view part) {
    return std::ranges::find(which, "all") != which.end() || std::ranges::find(which, part) != which.end();
  };
  ReportTable table{"node_meta_param", {"Node name", "Fx Node op", "Mase type", "Mase op"}, {}, {}};
  if (wants("common")) table.titles.push_back("Common Param");
  if (wants("hardware")) table.titles.push_back("Hardware Param");
  if (wants("software")) table.titles.push_back("Software Param");
  for (const Node& node : graph.nodes) {
    std::vector<std::string> row = node_columns(node);
    if (wants("common")) row.push_back(python_text(node.meta.common));
    if (wants("hardware")) row.push_back(python_text(node.meta.hardware));
    if (wants("software")) row.push_back(python_text(node.meta.software));
    table.rows.push_back(std::move(row));
  }
  return one_table(std::move(table));
}

PassResult report_node_type(Graph& graph, const PassArguments&) {
  ReportTable table{"node_type", {"Node name", "Fx Node op", "Mase type", "Mase op", "Value type"}, {}, {}};
  for (const Node& node : graph.nodes) {
    std::vector<std::string> row = node_columns(node);
    const MetaValue args = node.meta.common.value("args", MetaValue::object());
    row.push_back(args.contains("data_in_0") ? text_or(args.at("data_in_0"), "type", "NA") : "NA");
    table.rows.push_back(std::move(row));
  }
  return one_table(std::move(table));
}

PassResult report_node_shape(Graph& graph, const PassArguments&) {
  ReportTable table{"node_shape", {"Node name", "in", "out"}, {}, {}};
  for (const Node& node : graph.nodes)
    table.rows.push_back({node.name, shapes(node.meta.common, "args"), shapes(node.meta.common, "results")});
  return one_table(std::move(table));
}

PassResult report_node_hardware_type(Graph& graph, const PassArguments&) {
  ReportTable table{
      "node_hardware_type", {"Node name", "Fx Node op", "Type", "Tool Chain", "Device ID"}, {}, {}};
  for (const Node& node : graph.nodes)
    table.rows.push_back(
        {node.name, std::string(node_kind_name(node.kind)), text_or(node.meta.common, "mase_type", "NA"),
         text_or(node.meta.hardware, "toolchain", "NA"), text_or(node.meta.hardware, "device_id", "NA")});
  return one_table(std::move(table));
}

}  // namespace jsc
