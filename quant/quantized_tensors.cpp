#include "quant/quantized_tensors.hpp"

#include <algorithm>

#include "quant/fixed/text.hpp"
#include "quant/linear_batch_norm.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

QuantizedTensor quantized(std::string name, std::vector<Index> shape, std::vector<float> values,
                          const QuantizerPointer& quantizer, TensorKind kind) {
  const Index rows = shape.size() == 2 ? shape[0] : 1, cols = shape.back();
  QuantizedTensor tensor{std::move(name), std::move(shape), std::move(values), {}, quantizer};
  tensor.quantized.resize(tensor.values.size());
  quantizer->quantize({tensor.values.data(), rows, cols, cols}, kind,
                      {tensor.quantized.data(), rows, cols, cols});
  return tensor;
}

std::vector<float> values_of(const Parameter& parameter) {
  std::vector<float> values;
  for (Index r = 0; r < parameter.value.rows; ++r)
    values.insert(values.end(), parameter.value.row(r), parameter.value.row(r) + parameter.value.cols);
  return values;
}

}  // namespace

std::string QuantizedTensor::format() const {
  if (const fixed::Format* format = quantizer->fixed_format()) return fixed::to_string(*format);
  return std::string(quantizer->name()) + python_text(quantizer->precision());
}

double QuantizedTensor::saturated_share() const {
  const PassRange range = quantizer->pass_range();
  const auto beyond = std::ranges::count_if(values, [&](float v) { return v < range.lo || v > range.hi; });
  return values.empty() ? 0.0 : static_cast<double>(beyond) / static_cast<double>(values.size());
}

std::vector<std::int64_t> QuantizedTensor::raw() const {
  std::vector<std::int64_t> integers;
  if (const fixed::Format* format = quantizer->fixed_format()) {
    integers.resize(values.size());
    const auto n = static_cast<Index>(values.size());
    quantize_to_raw({values.data(), 1, n, n}, *format, integers.data(), n);
  }
  return integers;
}

std::vector<QuantizedTensor> quantized_tensors(const Graph& graph) {
  std::vector<QuantizedTensor> tensors;
  for (const Node& node : graph.nodes) {
    const QuantizedModule* module = quantized_module(graph, node);
    if (module == nullptr) continue;
    const NodeQuantization& quantization = module->quantization();
    const auto name = [&](const char* tensor) { return fmt::format("{}.{}", node.target, tensor); };
    if (const auto* batch_norm = dynamic_cast<const QuantizedBatchNorm1d*>(module)) {
      auto [alpha, beta] = batch_norm->constants();
      const std::vector<Index> shape{batch_norm->features()};
      tensors.push_back(
          quantized(name("weight"), shape, std::move(alpha), quantization.weight, TensorKind::bias));
      tensors.push_back(quantized(name("bias"), shape, std::move(beta), quantization.bias, TensorKind::bias));
      continue;
    }
    if (const auto* fused = dynamic_cast<const QuantizedLinearBatchNorm1d*>(module)) {
      const LinearBatchNormShape& shape = fused->shape();
      FoldedValues folded = folded_values(shape, *fused);
      tensors.push_back(quantized(name("weight"), {shape.out, shape.in}, std::move(folded.weight),
                                  quantization.weight, TensorKind::weight));
      tensors.push_back(
          quantized(name("bias"), {shape.out}, std::move(folded.bias), quantization.bias, TensorKind::bias));
      continue;
    }
    if (dynamic_cast<const QuantizedMatmul*>(module) != nullptr) {
      const Parameter* right = graph.parameter_of(graph.nodes[static_cast<std::size_t>(node.inputs[1])]);
      tensors.push_back(quantized(name("weight"), right->shape, values_of(*right), quantization.weight,
                                  TensorKind::weight));
    }
    for (const Parameter& parameter : module->parameters()) {
      if (parameter.name != "weight" && parameter.name != "bias") continue;
      const bool is_weight = parameter.name == "weight";
      tensors.push_back(quantized(name(parameter.name.c_str()), parameter.shape, values_of(parameter),
                                  is_weight ? quantization.weight : quantization.bias,
                                  is_weight ? TensorKind::weight : TensorKind::bias));
    }
  }
  return tensors;
}

}  // namespace jsc
