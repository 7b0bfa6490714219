// count_operations: what one sample costs, node by node and in all.
//
//   op                    MACs     FLOPs      (n = features of the output)
//   linear                in·out   2·in·out   a multiplication and an addition a weight; less n without a
//   bias matmul                in·out   2·in·out - n batch_norm1d          -        2n         folded: one
//   multiplication and one addition relu, add, sub, mul   -        n leaky_relu, hardtanh  -        2n
//   sigmoid               -        4n         1 / (1 + exp(-x))
//   tanh                  -        5n         1 - 2 / (exp(2x) + 1)
//   softmax               -        5n - 2     maximum n - 1, subtraction n, exp n, sum n - 1, division n
//   dropout               -        0          in evaluation
// BitOPs = MACs · bits of the weight · bits of the input, and for add, sub, mul the product of the operands'
// bits; the bits are the first number of `precision` in the common metadata (the width; MASE adds up all of
// them: Q-23), 32 where there is none.
#include "graph/mase_names.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

struct Cost {
  std::int64_t macs = 0, flops = 0, bitops = 0, parameters = 0;
  Cost& operator+=(const Cost& other) {
    macs += other.macs;
    flops += other.flops;
    bitops += other.bitops;
    parameters += other.parameters;
    return *this;
  }
};

std::int64_t bits(const Node& node, const char* entry) {
  const MetaValue args = node.meta.common.value("args", MetaValue::object());
  if (!args.contains(entry) || !args.at(entry).contains("precision")) return 32;
  const MetaValue& precision = args.at(entry).at("precision");
  return precision.empty() || !precision[0].is_number_integer() ? 32 : precision[0].get<std::int64_t>();
}

// Throws Error for an operation whose cost is not in the table above.
Cost cost_of(const Graph& graph, const Node& node) {
  const std::string_view op = mase_op(graph, node);
  const std::int64_t n = node.features;
  Cost cost;
  if (const Module* module = graph.module_of(node))
    for (const Parameter& parameter : module->parameters())
      cost.parameters += parameter.rows() * parameter.cols();
  if (op == "linear") {
    const std::int64_t in = graph.nodes[static_cast<std::size_t>(node.inputs[0])].features;
    const bool bias = cost.parameters > in * n;
    cost.macs = in * n;
    cost.flops = 2 * in * n - (bias ? 0 : n);
    cost.bitops = cost.macs * bits(node, "weight") * bits(node, "data_in_0");
  } else if (op == "matmul") {
    cost.macs = graph.nodes[static_cast<std::size_t>(node.inputs[0])].features * n;
    cost.flops = 2 * cost.macs - n;
    cost.bitops = cost.macs * bits(node, "data_in_0") * bits(node, "data_in_1");
  } else if (op == "add" || op == "sub" || op == "mul") {
    cost.flops = n;
    cost.bitops = n * bits(node, "data_in_0") * bits(node, "data_in_1");
  } else if (op == "batch_norm1d" || op == "leaky_relu" || op == "hardtanh") {
    cost.flops = 2 * n;
  } else if (op == "relu") {
    cost.flops = n;
  } else if (op == "sigmoid") {
    cost.flops = 4 * n;
  } else if (op == "tanh") {
    cost.flops = 5 * n;
  } else if (op == "softmax") {
    cost.flops = 5 * n - 2;
  } else if (op != "dropout" && op != "placeholder" && op != "constant" && op != "output") {
    fail("pass count_operations: node '{}': the cost of '{}' is not known", node.name, op);
  }
  return cost;
}

std::vector<std::string> row_of(const std::string& name, std::string_view op, const Cost& cost) {
  return {name,
          std::string(op),
          std::to_string(cost.parameters),
          std::to_string(cost.macs),
          std::to_string(cost.flops),
          std::to_string(cost.bitops)};
}

MetaValue value_of(const Cost& cost) {
  return {
      {"parameters", cost.parameters}, {"macs", cost.macs}, {"flops", cost.flops}, {"bitops", cost.bitops}};
}

}  // namespace

PassResult count_operations(Graph& graph, const PassArguments&) {
  PassResult result;
  ReportTable table{"operations",
                    {"Node name", "Mase op", "Parameters", "MACs", "FLOPs", "BitOPs"},
                    {false, false, true, true, true, true},
                    {}};
  Cost total;
  for (const Node& node : graph.nodes) {
    const Cost cost = cost_of(graph, node);
    total += cost;
    table.rows.push_back(row_of(node.name, mase_op(graph, node), cost));
    result.info["nodes"][node.name] = value_of(cost);
  }
  table.rows.push_back(row_of("total", "", total));
  result.info["total"] = value_of(total);
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace jsc
