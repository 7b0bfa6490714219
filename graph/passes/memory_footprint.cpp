// memory_footprint: bytes of the parameters, the buffers and, a sample, of each node's result; and the most
// that results take at once when each is dropped after its last use. Bits come from `precision` in the common
// metadata, 32 where there is none; a parameter that get_attr fetches has the most that a reader sees of it.
#include <algorithm>

#include "graph/edit.hpp"
#include "graph/mase_names.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

std::int64_t bits_of(const Node& node, const char* side, const std::string& entry) {
  const MetaValue entries = node.meta.common.value(side, MetaValue::object());
  if (!entries.contains(entry) || !entries.at(entry).contains("precision")) return 32;
  const MetaValue& precision = entries.at(entry).at("precision");
  return precision.empty() || !precision[0].is_number_integer() ? 32 : precision[0].get<std::int64_t>();
}

double bytes(std::int64_t elements, std::int64_t bits) {
  return static_cast<double>(elements * bits) / 8;
}

double parameter_bytes(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[static_cast<std::size_t>(id)];
  double sum = 0;
  for (const Parameter& p : graph.module_of(node)->parameters()) {
    std::int64_t bits = 0;
    if (node.kind == NodeKind::get_attr)
      for (NodeId reader : users(graph, id))  // matmul's right operand
        bits = std::max(bits, bits_of(graph.nodes[static_cast<std::size_t>(reader)], "args", "data_in_1"));
    else
      bits = bits_of(node, "args", p.name);
    sum += bytes(p.rows() * p.cols(), bits);
  }
  return sum;
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
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    double own = 0, kept = 0;
    if (const Module* module = graph.module_of(node)) {
      own = parameter_bytes(graph, static_cast<NodeId>(id));
      for (const Buffer& b : module->buffers())
        kept += b.shape.empty() ? 8 : 4.0 * static_cast<double>(b.shape[0]);
    }
    const bool yields = node.kind != NodeKind::output && node.kind != NodeKind::get_attr;
    const double out = yields ? bytes(node.features, bits_of(node, "results", "data_out_0")) : 0;
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
