// memory_footprint: bytes of the parameters, the buffers and, a sample, of each node's result; and the most
// that results take at once when each is dropped after its last use. Bits come from `precision` in the common
// metadata, 32 where there is none.
#include <algorithm>

#include "graph/edit.hpp"
#include "graph/mase_names.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

double bytes(std::int64_t elements, const MetaValue& entries, const std::string& entry) {
  std::int64_t bits = 32;
  if (entries.contains(entry) && entries.at(entry).contains("precision")) {
    const MetaValue& precision = entries.at(entry).at("precision");
    if (!precision.empty() && precision[0].is_number_integer()) bits = precision[0].get<std::int64_t>();
  }
  return static_cast<double>(elements * bits) / 8;
}

std::string show(double n) {
  return fmt::format("{:g}", n);
}

}  // namespace

PassResult memory_footprint(Graph& graph, const PassArguments&) {
  PassResult result;
  ReportTable table{"memory",
                    {"Node name", "Mase op", "Parameter bytes", "Buffer bytes", "Result bytes a sample"},
                    {false, false, true, true, true},
                    {}};
  double parameters = 0, buffers = 0;
  std::vector<double> results;
  for (const Node& node : graph.nodes) {
    double own = 0, kept = 0;
    if (node.kind == NodeKind::call_module) {
      const Module* module = graph.find_module(node.target);
      const MetaValue args = node.meta.common.value("args", MetaValue::object());
      for (const Parameter& p : module->parameters()) own += bytes(p.rows() * p.cols(), args, p.name);
      for (const Buffer& b : module->buffers())
        kept += b.shape.empty() ? 8 : 4.0 * static_cast<double>(b.shape[0]);
    }
    const double out =
        node.kind == NodeKind::output
            ? 0
            : bytes(node.features, node.meta.common.value("results", MetaValue::object()), "data_out_0");
    results.push_back(out);
    parameters += own;
    buffers += kept;
    table.rows.push_back({node.name, std::string(mase_op(graph, node)), show(own), show(kept), show(out)});
  }

  double peak = 0;
  for (std::size_t now = 0; now < graph.nodes.size(); ++now) {
    double alive = 0;
    for (std::size_t i = 0; i <= now; ++i) {
      const std::vector<NodeId> readers = users(graph, static_cast<NodeId>(i));
      const bool needed =
          i == now || std::ranges::any_of(readers, [&](NodeId r) { return r >= static_cast<NodeId>(now); });
      if (needed) alive += results[i];
    }
    peak = std::max(peak, alive);
  }
  table.rows.push_back({"total", "", show(parameters), show(buffers), show(peak) + " at once"});
  table.numeric.back() = false;
  result.tables.push_back(std::move(table));
  result.info = {{"parameter_bytes", parameters}, {"buffer_bytes", buffers}, {"peak_result_bytes", peak}};
  return result;
}

}  // namespace jsc
