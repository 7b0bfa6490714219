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
  if (node.kind == NodeKind::call_module) return std::string(graph.find_module(node.target)->type());
  return node.target;
}

bool changed(const Graph& original, const Node& before, const Graph& graph, const Node& after) {
  if (type_of(original, before) != type_of(graph, after)) return true;
  const QuantizedModule *a = quantized_module(original, before), *b = quantized_module(graph, after);
  return a != nullptr && b != nullptr && a->quantization().config != b->quantization().config;
}

std::string number(double value) {
  return fmt::format("{:.6g}", value);
}

}  // namespace

PassResult summarize_quantization(const Graph& original, const Graph& graph) {
  if (original.nodes.size() != graph.nodes.size())
    fail("summarize_quantization: expected graphs of the same nodes, found {} and {} nodes",
         original.nodes.size(), graph.nodes.size());
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
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node &before = original.nodes[i], &after = graph.nodes[i];
    const std::string type = type_of(original, before), op(mase_op(original, before));
    const bool is_changed = changed(original, before, graph, after);
    nodes.rows.push_back({std::to_string(i), before.name, after.name,
                          std::string(mase_type(original, before)), op, type, type_of(graph, after),
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
    const auto [lo, hi] = std::ranges::minmax(tensor.quantized);
    double error = 0;
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
      error = std::max(error, std::fabs(static_cast<double>(tensor.values[i]) - tensor.quantized[i]));
    formats.rows.push_back({tensor.name, tensor.format(), number(lo), number(hi),
                            std::to_string(codes.size()), number(std::ldexp(1.0, tensor.quantizer->width())),
                            fmt::format("{:.2f} %", 100.0 * tensor.saturated_share()), number(error)});
  }
  PassResult result;
  result.tables = {nodes, histogram};
  if (!formats.rows.empty()) result.tables.push_back(formats);
  result.text = "Quantized graph histogram:\n";
  return result;
}

}  // namespace jsc
