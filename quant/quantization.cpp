#include "quant/quantization.hpp"

#include "graph/edit.hpp"
#include "graph/mase_names.hpp"

namespace jsc {

namespace {

std::shared_ptr<QuantizedModule> quantized_form(const Module& module, const NodeQuantization& quantization) {
  const bool bias = module.parameters().size() == 2;
  if (const auto* linear = dynamic_cast<const Linear*>(&module))
    return std::make_shared<QuantizedLinear>(linear->in(), linear->out(), bias, quantization);
  if (const auto* linear = dynamic_cast<const QuantizedLinear*>(&module))
    return std::make_shared<QuantizedLinear>(linear->in(), linear->out(), bias, quantization);
  const auto batch_norm = [&](const auto& original) {
    return std::make_shared<QuantizedBatchNorm1d>(original.features(), original.eps(), original.momentum(),
                                                  original.affine(), original.buffers(), quantization);
  };
  if (const auto* original = dynamic_cast<const BatchNorm1d*>(&module)) return batch_norm(*original);
  if (const auto* original = dynamic_cast<const QuantizedBatchNorm1d*>(&module)) return batch_norm(*original);
  if (module.op() == "relu") return std::make_shared<QuantizedReLU>(quantization);
  if (const auto* pair = dynamic_cast<const QuantizedPair*>(&module))
    return std::make_shared<QuantizedPair>(pair->operation(), quantization);
  fail("quantize: a {} cannot be quantized", module.type());
}

std::shared_ptr<QuantizedModule> quantized_form_of_function(std::string_view function,
                                                            const NodeQuantization& quantization) {
  for (PairOperation operation : {PairOperation::add, PairOperation::sub, PairOperation::mul})
    if (function == pair_operation_name(operation))
      return std::make_shared<QuantizedPair>(operation, quantization);
  if (function == "relu") return std::make_shared<QuantizedReLU>(quantization);
  fail("quantize: the function {} cannot be quantized", function);
}

// What the passes know about the arguments, if they were asked: MASE's type and precision.
void update_metadata(Node& node, const NodeQuantization& quantization) {
  const auto update = [&](const char* argument, const QuantizerPointer& quantizer) {
    if (!quantizer || !node.meta.common.contains("args")) return;
    auto& args = node.meta.common["args"];
    const auto found = args.find(argument);
    if (found == args.end()) return;
    (*found)["type"] = std::string(quantizer->name());
    (*found)["precision"] = quantizer->precision();
  };
  update("data_in_0", quantization.data_in);
  update("data_in_1", quantization.data_in);
  update("weight", quantization.weight);
  update("bias", quantization.bias);
  if (quantization.data_out && node.meta.common.contains("results")) {
    auto& result = node.meta.common["results"]["data_out_0"];
    result["type"] = std::string(quantization.data_out->name());
    result["precision"] = quantization.data_out->precision();
  }
}

}  // namespace

void quantize_node(Graph& graph, NodeId id, const NodeQuantization& quantization) {
  Node& node = graph.nodes[static_cast<std::size_t>(id)];
  std::shared_ptr<QuantizedModule> module;
  if (node.kind == NodeKind::call_module)
    module = quantized_form(*graph.find_module(node.target), quantization);
  else if (node.kind == NodeKind::call_function)
    module = quantized_form_of_function(node.target, quantization);
  else
    fail("quantize: node '{}': a node of kind {} cannot be quantized", node.name, node_kind_name(node.kind));
  module->check_sums(fmt::format("quantize, node '{}'", node.name));

  if (node.kind == NodeKind::call_module) {
    swap_module(graph, node.target, module);
  } else {
    if (graph.find_module(node.name) != nullptr)
      fail("quantize: node '{}': there is a module of its name already", node.name);
    graph.modules.emplace_back(node.name, module);
    node.kind = NodeKind::call_module;
    node.target = node.name;
  }
  update_metadata(node, quantization);
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
