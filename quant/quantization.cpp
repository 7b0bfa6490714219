#include "quant/quantization.hpp"

#include "graph/edit.hpp"
#include "quant/linear_batch_norm.hpp"

namespace jsc {

namespace {

std::shared_ptr<QuantizedModule> quantized_form(const Module& module, const NodeQuantization& quantization) {
  if (const auto* linear = dynamic_cast<const Linear*>(&module))
    return std::make_shared<QuantizedLinear>(linear->in(), linear->out(), linear->parameters().size() == 2,
                                             quantization);
  if (const auto* linear = dynamic_cast<const QuantizedLinear*>(&module))
    return std::make_shared<QuantizedLinear>(linear->in(), linear->out(), linear->has_bias(), quantization);
  const auto fused = [&](const auto& original) {
    return std::make_shared<QuantizedLinearBatchNorm1d>(original.shape(), original.buffers(), quantization);
  };
  if (const auto* original = dynamic_cast<const LinearBatchNorm1d*>(&module)) return fused(*original);
  if (const auto* original = dynamic_cast<const QuantizedLinearBatchNorm1d*>(&module))
    return fused(*original);
  const auto batch_norm = [&](const auto& original) {
    return std::make_shared<QuantizedBatchNorm1d>(original.features(), original.eps(), original.momentum(),
                                                  original.affine(), original.buffers(), quantization);
  };
  if (const auto* original = dynamic_cast<const BatchNorm1d*>(&module)) return batch_norm(*original);
  if (const auto* original = dynamic_cast<const QuantizedBatchNorm1d*>(&module)) return batch_norm(*original);
  if (module.op() == "relu") return std::make_shared<QuantizedReLU>(quantization);
  if (const auto* pair = dynamic_cast<const QuantizedPair*>(&module))
    return std::make_shared<QuantizedPair>(pair->operation(), quantization);
  if (const auto* matmul = dynamic_cast<const QuantizedMatmul*>(&module))
    return std::make_shared<QuantizedMatmul>(matmul->in(), matmul->out(), quantization);
  fail("quantize: a {} cannot be quantized", module.type());
}

std::shared_ptr<QuantizedModule> quantized_form_of_function(const Graph& graph, const Node& node,
                                                            const NodeQuantization& quantization) {
  const std::string_view function = node.target;
  for (PairOperation operation : {PairOperation::add, PairOperation::sub, PairOperation::mul})
    if (function == pair_operation_name(operation))
      return std::make_shared<QuantizedPair>(operation, quantization);
  if (function == "matmul") {
    const Node& left = graph.nodes[static_cast<std::size_t>(node.inputs[0])];
    return std::make_shared<QuantizedMatmul>(left.features, node.features, quantization);
  }
  if (function == "relu") return std::make_shared<QuantizedReLU>(quantization);
  fail("quantize: the function {} cannot be quantized", function);
}

// What the passes know about the node's tensors, if they were asked: MASE's type and precision.
void update_metadata(Node& node, const QuantizedModule& module) {
  for (const char* side : {"args", "results"}) {
    if (!node.meta.common.contains(side)) continue;
    for (auto& [tensor, entry] : node.meta.common[side].items()) {
      const NumberType numbers = module.number_type(tensor);
      entry["type"] = numbers.name;
      entry["precision"] = numbers.precision;
    }
  }
}

}  // namespace

void quantize_node(Graph& graph, NodeId id, const NodeQuantization& quantization) {
  Node& node = graph.nodes[static_cast<std::size_t>(id)];
  std::shared_ptr<QuantizedModule> module;
  if (node.kind == NodeKind::call_module)
    module = quantized_form(*graph.find_module(node.target), quantization);
  else if (node.kind == NodeKind::call_function)
    module = quantized_form_of_function(graph, node, quantization);
  else
    fail("quantize: node '{}': a node of kind {} cannot be quantized", node.name, node_kind_name(node.kind));
  module->check_sums(fmt::format("quantize, node '{}'", node.name));

  if (node.kind == NodeKind::call_module) {
    swap_module(graph, node.target, module);
  } else {
    std::string path = node.name;  // a layer may be called like the function
    while (graph.find_module(path) != nullptr) path += "." + node.target;
    graph.modules.emplace_back(path, module);
    graph.bind_parameters();
    node.kind = NodeKind::call_module;
    node.target = path;
  }
  module->reset_thresholds();
  update_metadata(node, *module);
}

const QuantizedModule* quantized_module(const Graph& graph, const Node& node) {
  if (node.kind != NodeKind::call_module) return nullptr;
  return dynamic_cast<const QuantizedModule*>(graph.find_module(node.target));
}

MetaValue quantization_of(const Graph& graph) {
  MetaValue table = MetaValue::object();
  for (const Node& node : graph.nodes)
    if (const QuantizedModule* module = quantized_module(graph, node)) {
      table["by"] = "name";
      table[node.name] = {{"config", module->quantization().config}};
    }
  return table;
}

}  // namespace jsc
