#include "quant/modules.hpp"

#include <algorithm>
#include <cmath>

#include "graph/functions.hpp"
#include "ops/initialize.hpp"
#include "ops/linear.hpp"
#include "ops/relu.hpp"

namespace jsc {

namespace {

std::string tensor_label(std::string_view path, std::string_view tensor) {
  return fmt::format("{}.{}", path, tensor);
}

// "LinearInteger(in_features=16, out_features=5, bias=True, data_in=integer[8, 4], weight=..., ...)":
// PyTorch's description with the formats.
std::string with_formats(std::string description, std::string_view type, const NodeQuantization& node) {
  description.replace(0, description.find('('), type);
  description.pop_back();
  const auto add = [&](std::string_view tensor, const QuantizerPointer& quantizer) {
    if (quantizer)
      description += fmt::format("{}{}={}{}", description.back() == '(' ? "" : ", ", tensor,
                                 quantizer->name(), python_text(quantizer->precision()));
  };
  add("data_in", node.data_in);
  add("weight", node.weight);
  add("bias", node.bias);
  add("data_out", node.data_out);
  return description + ")";
}

}  // namespace

SumFormats QuantizedModule::sum_formats() const {
  const auto format = [&](const QuantizerPointer& quantizer) {
    const fixed::Format* known = quantizer->fixed_format();
    if (known == nullptr) fail("{}: expected fixed point, found the format '{}'", type(), quantizer->name());
    return *known;
  };
  SumFormats formats{format(quantization_.data_in), format(quantization_.data_in), std::nullopt,
                     quantization_.accumulator};
  if (quantization_.weight) formats.weight = format(quantization_.weight);
  if (quantization_.bias) formats.bias = format(quantization_.bias);
  return formats;
}

Variable QuantizedModule::quantize_input(Tape& tape, Variable x, int which, std::string_view path) const {
  return fake_quantize(tape, x, *quantization_.data_in, TensorKind::activation, quantization_.ste,
                       fmt::format("{}.data_in_{}", path, which));
}

Variable QuantizedModule::quantize_output(Tape& tape, Variable y, std::string_view path) const {
  if (!quantization_.data_out) return y;
  return fake_quantize(tape, y, *quantization_.data_out, TensorKind::activation, quantization_.ste,
                       tensor_label(path, "data_out_0"));
}

QuantizedLinear::QuantizedLinear(Index in, Index out, bool bias, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      in_(in),
      out_(out),
      type_("Linear" + quantization_.class_suffix) {
  parameters_.push_back({"weight", {out, in}, {}, {}});
  if (bias) parameters_.push_back({"bias", {out}, {}, {}});
}

void QuantizedLinear::check_sums(std::string_view where) const {
  if (quantization_.fixed()) plan_sum(sum_formats(), in_, where);
}

std::string QuantizedLinear::describe() const {
  return with_formats(Linear(in_, out_, parameters_.size() == 2).describe(), type_, quantization_);
}

Index QuantizedLinear::output_features(std::span<const Index> inputs) const {
  return Linear(in_, out_).output_features(inputs);
}

Variable QuantizedLinear::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                                 std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, path);
  const Variable weight = fake_quantize(tape, parameter_variable(tape, "weight", path), *quantization_.weight,
                                        TensorKind::weight, quantization_.ste, tensor_label(path, "weight"));
  Variable bias = parameter_variable(tape, "bias", path);
  if (bias)
    bias = fake_quantize(tape, bias, *quantization_.bias, TensorKind::bias, quantization_.ste,
                         tensor_label(path, "bias"));
  const Variable y = quantization_.fixed() ? exact_linear(tape, x, weight, bias, sum_formats(), path)
                                           : linear(tape, x, weight, bias);
  return quantize_output(tape, y, path);
}

void QuantizedLinear::initialize(RandomStream stream) {
  initialize_linear(stream, parameters_[0].value, parameters_.size() == 2 ? parameters_[1].value : Matrix{});
}

QuantizedBatchNorm1d::QuantizedBatchNorm1d(Index features, double eps, double momentum, bool affine,
                                           std::vector<Buffer> buffers, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      features_(features),
      eps_(eps),
      momentum_(momentum),
      affine_(affine),
      type_("BatchNorm1d" + quantization_.class_suffix) {
  if (affine)
    for (const char* name : {"weight", "bias"}) parameters_.push_back({name, {features}, {}, {}});
  buffers_ = std::move(buffers);
}

void QuantizedBatchNorm1d::check_sums(std::string_view where) const {
  if (quantization_.fixed()) plan_sum(sum_formats(), 1, where);
}

std::string QuantizedBatchNorm1d::describe() const {
  return with_formats(BatchNorm1d(features_, eps_, momentum_, affine_).describe(), type_, quantization_);
}

Index QuantizedBatchNorm1d::output_features(std::span<const Index> inputs) const {
  return BatchNorm1d(features_).output_features(inputs);
}

std::pair<std::vector<float>, std::vector<float>> QuantizedBatchNorm1d::constants() const {
  const auto& mean = std::get<std::vector<float>>(buffers_[0].value);
  const auto& variance = std::get<std::vector<float>>(buffers_[1].value);
  std::pair<std::vector<float>, std::vector<float>> constants;
  for (std::size_t f = 0; f < mean.size(); ++f) {
    const float weight = affine_ ? parameters_[0].value.data[f] : 1.0F;
    const float bias = affine_ ? parameters_[1].value.data[f] : 0.0F;
    const auto [alpha, beta] =
        scale_and_offset(weight, bias, mean[f], inverse_deviation(variance[f], static_cast<float>(eps_)));
    constants.first.push_back(alpha);
    constants.second.push_back(beta);
  }
  return constants;
}

Variable QuantizedBatchNorm1d::record(Tape& tape, std::span<const Variable> inputs,
                                      const RecordContext& context, std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, path);
  const BatchNormSource source{
      x,
      parameter_variable(tape, "weight", path),
      parameter_variable(tape, "bias", path),
      {std::get<std::vector<float>>(buffers_[0].value).data(),
       std::get<std::vector<float>>(buffers_[1].value).data(), &std::get<std::int64_t>(buffers_[2].value)},
      static_cast<float>(eps_),
      static_cast<float>(momentum_),
      context.mode == Mode::train && quantization_.batch_statistics};
  auto [alpha, beta] = batch_norm_constants(tape, source);
  alpha = fake_quantize(tape, alpha, *quantization_.weight, TensorKind::bias, quantization_.ste,
                        tensor_label(path, "weight"));
  beta = fake_quantize(tape, beta, *quantization_.bias, TensorKind::bias, quantization_.ste,
                       tensor_label(path, "bias"));
  const Variable y = quantization_.fixed() ? exact_scale_shift(tape, x, alpha, beta, sum_formats(), path)
                                           : scale_shift(tape, x, alpha, beta);
  return quantize_output(tape, y, path);
}

void QuantizedBatchNorm1d::initialize(RandomStream) {
  if (affine_) {
    std::fill_n(parameters_[0].value.data, features_, 1.0F);
    std::fill_n(parameters_[1].value.data, features_, 0.0F);
  }
  std::ranges::fill(std::get<std::vector<float>>(buffers_[0].value), 0.0F);
  std::ranges::fill(std::get<std::vector<float>>(buffers_[1].value), 1.0F);
  std::get<std::int64_t>(buffers_[2].value) = 0;
}

QuantizedReLU::QuantizedReLU(NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)), type_("ReLU" + quantization_.class_suffix) {
  const fixed::Format* format = quantization_.data_in->fixed_format();
  if (format != nullptr && format->is_signed && format->width > kFloatBits)
    fail("{}: a signed input of more than {} bits, found {}", type_, kFloatBits, format->width);
}

Index QuantizedReLU::output_features(std::span<const Index> inputs) const {
  return ReLU().output_features(inputs);
}

Variable QuantizedReLU::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                               std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, path);
  const fixed::Format* format = quantization_.data_in->fixed_format();
  if (format != nullptr && !format->is_signed) return quantize_output(tape, x, path);  // its own ReLU
  const Variable y = relu(tape, x);
  tape.annotate({y, tensor_label(path, "relu")});
  return quantize_output(tape, y, path);
}

QuantizedPair::QuantizedPair(PairOperation operation, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)), operation_(operation) {
  type_ = std::string(pair_operation_name(operation)) + quantization_.class_suffix;
  type_[0] = static_cast<char>(type_[0] - 'a' + 'A');
}

void QuantizedPair::check_sums(std::string_view where) const {
  if (const fixed::Format* format = quantization_.data_in->fixed_format())
    pair_bits(operation_, *format, where);
}

Index QuantizedPair::output_features(std::span<const Index> inputs) const {
  return find_function(pair_operation_name(operation_)).output_features(inputs);
}

Variable QuantizedPair::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                               std::string_view path) {
  const Variable a = quantize_input(tape, inputs[0], 0, path);
  const Variable b = quantize_input(tape, inputs[1], 1, path);
  const Variable y = quantization_.fixed()
                         ? exact_pair(tape, operation_, a, b, *quantization_.data_in->fixed_format(), path)
                         : float_pair(tape, operation_, a, b);
  return quantize_output(tape, y, path);
}

}  // namespace jsc
