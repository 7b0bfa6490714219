#include "quant/modules.hpp"

#include <algorithm>
#include <cmath>

#include "graph/functions.hpp"
#include "ops/initialize.hpp"
#include "ops/linear.hpp"
#include "ops/relu.hpp"
#include "ops/transpose.hpp"
#include "quant/batch_norm_state.hpp"

namespace jsc {

QuantizedLinear::QuantizedLinear(Index in, Index out, bool bias, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      in_(in),
      out_(out),
      bias_(bias),
      type_("Linear" + this->quantization().class_suffix) {
  parameters_.push_back({"weight", {out, in}, {}, {}});
  if (bias) parameters_.push_back({"bias", {out}, {}, {}});
  add_thresholds();
}

void QuantizedLinear::check_sums(std::string_view where) const {
  if (quantization().fixed()) plan_sum(sum_formats(), in_, where);
}

std::string QuantizedLinear::describe() const {
  return with_formats(Linear(in_, out_, bias_).describe());
}

Index QuantizedLinear::output_features(std::span<const Index> inputs) const {
  return Linear(in_, out_).output_features(inputs);
}

Variable QuantizedLinear::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                                 std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, context, path);
  const Variable weight =
      quantize(tape, parameter_variable(tape, "weight", path), kWeight, context, path, "weight");
  Variable bias = parameter_variable(tape, "bias", path);
  if (bias) bias = quantize(tape, bias, kBias, context, path, "bias");
  const Variable y = quantization().fixed() ? exact_linear(tape, x, weight, bias, sum_formats(), path)
                                            : linear(tape, x, weight, bias);
  return quantize_output(tape, y, context, path);
}

void QuantizedLinear::initialize(RandomStream stream) {
  initialize_linear(stream, parameters_[0].value, bias_ ? parameters_[1].value : Matrix{});
  reset_thresholds();
}

QuantizedMatmul::QuantizedMatmul(Index in, Index out, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      in_(in),
      out_(out),
      type_("Matmul" + this->quantization().class_suffix) {
  add_thresholds();
}

void QuantizedMatmul::check_sums(std::string_view where) const {
  if (quantization().fixed()) plan_sum(sum_formats(), in_, where);
}

Index QuantizedMatmul::output_features(std::span<const Index> inputs) const {
  return find_function("matmul").output_features(inputs);
}

NumberType QuantizedMatmul::number_type(std::string_view tensor) const {
  return QuantizedModule::number_type(tensor == "data_in_1" ? "weight" : tensor);
}

Variable QuantizedMatmul::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                                 std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, context, path);
  const auto seen = [&](Variable weight) { return quantize(tape, weight, kWeight, context, path, "weight"); };
  // linear's weight stands [out][in]. Fixed point sees each number alone, before or after; block formats see
  // tiles, which are those of the weight as it stands.
  const Variable y = quantization().fixed()
                         ? exact_linear(tape, x, seen(transpose(tape, inputs[1])), {}, sum_formats(), path)
                         : linear(tape, x, transpose(tape, seen(inputs[1])), {});
  return quantize_output(tape, y, context, path);
}

QuantizedBatchNorm1d::QuantizedBatchNorm1d(Index features, double eps, double momentum, bool affine,
                                           std::vector<Buffer> buffers, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      features_(features),
      eps_(eps),
      momentum_(momentum),
      affine_(affine),
      type_("BatchNorm1d" + this->quantization().class_suffix) {
  if (affine)
    for (const char* name : {"weight", "bias"}) parameters_.push_back({name, {features}, {}, {}});
  buffers_ = std::move(buffers);
  add_thresholds();
}

void QuantizedBatchNorm1d::check_sums(std::string_view where) const {
  if (quantization().fixed()) plan_sum(sum_formats(), 1, where);
}

std::string QuantizedBatchNorm1d::describe() const {
  return with_formats(BatchNorm1d(features_, eps_, momentum_, affine_).describe());
}

Index QuantizedBatchNorm1d::output_features(std::span<const Index> inputs) const {
  return BatchNorm1d(features_).output_features(inputs);
}

std::pair<std::vector<float>, std::vector<float>> QuantizedBatchNorm1d::constants() const {
  std::pair<std::vector<float>, std::vector<float>> constants;
  for (Index f = 0; f < features_; ++f) {
    const auto [alpha, beta] = running_scale_and_offset(*this, "", f, eps_);
    constants.first.push_back(alpha);
    constants.second.push_back(beta);
  }
  return constants;
}

Variable QuantizedBatchNorm1d::record(Tape& tape, std::span<const Variable> inputs,
                                      const RecordContext& context, std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, context, path);
  const BatchNormSource source{x,
                               parameter_variable(tape, "weight", path),
                               parameter_variable(tape, "bias", path),
                               batch_norm_buffers(*this),
                               static_cast<float>(eps_),
                               static_cast<float>(momentum_),
                               context.mode == Mode::train && quantization().batch_statistics};
  auto [alpha, beta] = batch_norm_constants(tape, source);
  alpha = quantize(tape, alpha, kScale, context, path, "weight");
  beta = quantize(tape, beta, kOffset, context, path, "bias");
  const Variable y = quantization().fixed() ? exact_scale_shift(tape, x, alpha, beta, sum_formats(), path)
                                            : scale_shift(tape, x, alpha, beta);
  return quantize_output(tape, y, context, path);
}

void QuantizedBatchNorm1d::initialize(RandomStream) {
  initialize_batch_norm(*this, "");
  reset_thresholds();
}

QuantizedReLU::QuantizedReLU(NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)), type_("ReLU" + this->quantization().class_suffix) {
  add_thresholds();
}

// max(x, 0) itself is taken in float32.
void QuantizedReLU::check_sums(std::string_view where) const {
  const fixed::Format* format = quantization().data_in->fixed_format();
  if (format != nullptr && format->is_signed && format->width > kFloatBits)
    fail("{}: expected at most {} bits of a signed data_in of relu, found {}", where, kFloatBits,
         format->width);
}

Index QuantizedReLU::output_features(std::span<const Index> inputs) const {
  return ReLU().output_features(inputs);
}

Variable QuantizedReLU::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                               std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, context, path);
  const fixed::Format* format = quantization().data_in->fixed_format();
  if (format != nullptr && !format->is_signed)
    return quantize_output(tape, x, context, path);  // its own ReLU
  const Variable y = relu(tape, x);
  tape.annotate({y, std::string(path) + ".relu"});
  return quantize_output(tape, y, context, path);
}

QuantizedPair::QuantizedPair(PairOperation operation, NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)), operation_(operation) {
  type_ = std::string(pair_operation_name(operation)) + this->quantization().class_suffix;
  type_[0] = static_cast<char>(type_[0] - 'a' + 'A');
  add_thresholds();
}

void QuantizedPair::check_sums(std::string_view where) const {
  if (const fixed::Format* format = quantization().data_in->fixed_format())
    pair_bits(operation_, *format, where);
}

Index QuantizedPair::output_features(std::span<const Index> inputs) const {
  return find_function(pair_operation_name(operation_)).output_features(inputs);
}

Variable QuantizedPair::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                               std::string_view path) {
  const Variable a = quantize_input(tape, inputs[0], 0, context, path);
  const Variable b = quantize_input(tape, inputs[1], 1, context, path);
  const Variable y = quantization().fixed()
                         ? exact_pair(tape, operation_, a, b, *quantization().data_in->fixed_format(), path)
                         : float_pair(tape, operation_, a, b);
  return quantize_output(tape, y, context, path);
}

}  // namespace jsc
