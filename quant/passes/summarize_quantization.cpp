// summarize_quantization: what changed between two graphs of the same nodes (mase-spec.md 5.5), and what the
// quantized parameters look like.
//   quantize_table      one row a node, MASE's columns; Changed says that the node computes something else,
//   also
//                       when only a width differs
//   quantize_histogram  counts by original type
//   quantize_formats    each quantized parameter: format, range, codes used, share that saturates, largest
//   error
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "graph/mase_names.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"
#include "quant/quantized_tensors.hpp"

namespace jsc {

namespace {

std::string type_of(const Graph& graph, const Node& node) {
  if (const Module* module = graph.module_of(node)) return std::string(module->type());
  return node.target;
}

std::string number(double value) {
  return fmt::format("{:.6g}", value);
}

}  // namespace

std::vector<NodeSummary> summarize_nodes(const Graph& graph) {
  std::vector<NodeSummary> summary;
  for (const Node& node : graph.nodes) {
    const QuantizedModule* module = quantized_module(graph, node);
    summary.push_back({node.name, std::string(mase_type(graph, node)), std::string(mase_op(graph, node)),
                       type_of(graph, node),
                       module != nullptr ? module->quantization().config : MetaValue()});
  }
  return summary;
}

std::vector<ReportTable> compare_nodes(const std::vector<NodeSummary>& before, const Graph& graph) {
  const std::vector<NodeSummary> after = summarize_nodes(graph);
  if (before.size() != after.size())
    fail("summarize_quantization: expected graphs of the same nodes, found {} and {} nodes", before.size(),
         after.size());
  ReportTable nodes{
      "quantize_table",
      {"", "Ori name", "New name", "MASE_TYPE", "Mase_OP", "Original type", "Quantized type", "Changed"},
      {true, false, false, false, false, false, false, false},
      {}};
  struct Counts {
    std::string op;
    int total = 0, changed = 0;
  };
  std::map<std::string, Counts> groups;  // by byte order, as MASE sorts them
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& [name, mase_type, op, type, config] = before[i];
    const bool is_changed = type != after[i].type || config != after[i].config;
    nodes.rows.push_back({std::to_string(i), name, after[i].name, mase_type, op, type, after[i].type,
                          is_changed ? "True" : "False"});
    Counts& counts = groups.try_emplace(type, Counts{op}).first->second;
    ++counts.total;
    counts.changed += is_changed ? 1 : 0;
  }
  ReportTable histogram{"quantize_histogram",
                        {"Original type", "OP", "Total", "Changed", "Unchanged"},
                        {false, false, true, true, true},
                        {}};
  for (const auto& [type, counts] : groups)
    histogram.rows.push_back({type, counts.op, std::to_string(counts.total), std::to_string(counts.changed),
                              std::to_string(counts.total - counts.changed)});

  ReportTable formats{"quantize_formats",
                      {"Tensor", "Format", "Min", "Max", "Codes used", "Codes", "Saturated", "Largest error"},
                      {false, false, true, true, true, true, true, true},
                      {}};
  for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
    std::set<float> codes(tensor.quantized.begin(), tensor.quantized.end());
    const auto [lo, hi] = std::minmax_element(tensor.quantized.begin(), tensor.quantized.end());
    double error = 0;
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
      error = std::max(error, std::fabs(static_cast<double>(tensor.values[i]) - tensor.quantized[i]));
    formats.rows.push_back({tensor.name, tensor.format(), number(*lo), number(*hi),
                            std::to_string(codes.size()), number(std::ldexp(1.0, tensor.quantizer->width())),
                            fmt::format("{:.2f} %", 100.0 * tensor.saturated_share()), number(error)});
  }
  std::vector<ReportTable> tables = {nodes, histogram};
  if (!formats.rows.empty()) tables.push_back(formats);
  return tables;
}

PassResult summarize_quantization(Graph& graph, const PassArguments&) {
  std::vector<NodeSummary> original = summarize_nodes(graph);
  for (std::size_t i = 0; i < original.size(); ++i) {
    original[i].config = nullptr;
    if (const QuantizedModule* module = quantized_module(graph, graph.nodes[i]))
      original[i].type = module->float_type();
  }
  PassResult result;
  result.tables = compare_nodes(original, graph);
  return result;
}

}  // namespace jsc
