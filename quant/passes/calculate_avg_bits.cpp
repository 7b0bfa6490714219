// calculate_avg_bits: the mean width of data and weights over the layers that multiply, as MASE's pass of
// this name means it (its own adds width and frac_width, so that 8,4 counts 12: Q-23).
//   w_avg_bit    = sum over the weights of their width / number of weights
//   data_avg_bit = sum over the inputs' features of their width / number of features
// Float counts 32. Layers: linear, matmul, batch_norm1d.
#include "graph/mase_names.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"

namespace jsc {

PassResult calculate_avg_bits(Graph& graph, const PassArguments&) {
  ReportTable table{"average_bits",
                    {"Node", "Op", "Weights", "Weight bits", "Inputs", "Data bits"},
                    {false, false, true, true, true, true},
                    {}};
  double weight_bits = 0, weights = 0, data_bits = 0, inputs = 0;
  for (const Node& node : graph.nodes) {
    const std::string_view op = mase_op(graph, node);
    if (op != "linear" && op != "matmul" && op != "batch_norm1d") continue;
    const QuantizedModule* module = quantized_module(graph, node);
    const int weight_width = module != nullptr ? module->quantization().weight->width() : 32;
    const int data_width = module != nullptr ? module->quantization().data_in->width() : 32;
    const Index in = graph.nodes[static_cast<std::size_t>(node.inputs[0])].features;
    const Index count = op == "batch_norm1d" ? node.features : in * node.features;
    weight_bits += static_cast<double>(count) * weight_width;
    weights += static_cast<double>(count);
    data_bits += static_cast<double>(in) * data_width;
    inputs += static_cast<double>(in);
    table.rows.push_back({node.name, std::string(op), std::to_string(count), std::to_string(weight_width),
                          std::to_string(in), std::to_string(data_width)});
  }
  if (weights == 0) fail("calculate_avg_bits: the network has no linear, matmul or batch_norm1d layer");
  PassResult result;
  result.info = {{"data_avg_bit", data_bits / inputs}, {"w_avg_bit", weight_bits / weights}};
  result.text =
      fmt::format("data_avg_bit {:.4g}, w_avg_bit {:.4g}\n", data_bits / inputs, weight_bits / weights);
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace jsc
