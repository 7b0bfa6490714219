#include "quant/linear_batch_norm.hpp"

#include <algorithm>

#include "graph/modules.hpp"
#include "ops/initialize.hpp"
#include "ops/linear.hpp"
#include "quant/batch_norm_state.hpp"
#include "quant/fold.hpp"

namespace jsc {

namespace {

// The layer's tensors on the tape.
struct Recorded {
  Variable weight, bias, norm_weight, norm_bias;
};

// W' and b'. x is only looked at in training with the batch's statistics.
std::pair<Variable, Variable> record_folded(Tape& tape, Variable x, const Recorded& layer,
                                            BatchNormBuffers buffers, const LinearBatchNormShape& shape,
                                            bool batch_statistics) {
  // Without statistics to take, the normalization only asks how many features there are: W has a row for
  // each.
  const Variable source = batch_statistics ? linear(tape, x, layer.weight, layer.bias) : layer.weight;
  const auto [alpha, beta] = batch_norm_constants(
      tape, {source, layer.norm_weight, layer.norm_bias, buffers, static_cast<float>(shape.eps),
             static_cast<float>(shape.momentum), batch_statistics});
  return fold(tape, layer.weight, layer.bias, alpha, beta);
}

std::string describe_shape(const LinearBatchNormShape& shape) {
  const std::string linear = Linear(shape.in, shape.out, shape.bias).describe();
  const std::string norm = BatchNorm1d(shape.out, shape.eps, shape.momentum, shape.affine).describe();
  // "Linear(in_features=.., bias=True)" and "BatchNorm1d(8, eps=.., track_running_stats=True)"
  return fmt::format("LinearBatchNorm1d{}{}",
                     linear.substr(linear.find('('), linear.size() - linear.find('(') - 1),
                     norm.substr(norm.find(',')));
}

}  // namespace

std::vector<Parameter> linear_batch_norm_parameters(const LinearBatchNormShape& shape) {
  std::vector<Parameter> parameters{{"weight", {shape.out, shape.in}, {}, {}}};
  if (shape.bias) parameters.push_back({"bias", {shape.out}, {}, {}});
  if (shape.affine)
    for (const char* name : {"norm.weight", "norm.bias"}) parameters.push_back({name, {shape.out}, {}, {}});
  return parameters;
}

std::vector<Buffer> linear_batch_norm_buffers(const LinearBatchNormShape& shape) {
  const auto n = static_cast<std::size_t>(shape.out);
  return {{"norm.running_mean", {shape.out}, std::vector<float>(n, 0.0F)},
          {"norm.running_var", {shape.out}, std::vector<float>(n, 1.0F)},
          {"norm.num_batches_tracked", {}, std::int64_t{0}}};
}

void initialize_linear_batch_norm(const LinearBatchNormShape& shape, RandomStream stream, Module& module) {
  std::vector<Parameter>& parameters = module.parameters();
  initialize_linear(stream, parameters[0].value, shape.bias ? parameters[1].value : Matrix{});
  initialize_batch_norm(module, "norm.");
}

FoldedValues folded_values(const LinearBatchNormShape& shape, const Module& module) {
  const Matrix weight = module.parameters()[0].value;
  FoldedValues folded;
  folded.weight.resize(static_cast<std::size_t>(shape.out * shape.in));
  for (Index o = 0; o < shape.out; ++o) {
    const auto [alpha, beta] = running_scale_and_offset(module, "norm.", o, shape.eps);
    folded.bias.push_back(fold_neuron(shape.in, alpha, beta, weight.row(o),
                                      shape.bias ? module.parameters()[1].value.data[o] : 0.0F,
                                      folded.weight.data() + o * shape.in));
  }
  return folded;
}

LinearBatchNorm1d::LinearBatchNorm1d(const LinearBatchNormShape& shape) : shape_(shape) {
  parameters_ = linear_batch_norm_parameters(shape);
  buffers_ = linear_batch_norm_buffers(shape);
}

std::string LinearBatchNorm1d::describe() const {
  return describe_shape(shape_);
}

Index LinearBatchNorm1d::output_features(std::span<const Index> inputs) const {
  return Linear(shape_.in, shape_.out).output_features(inputs);
}

Variable LinearBatchNorm1d::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                                   std::string_view path) {
  const auto parameter = [&](std::string_view name) { return parameter_variable(tape, name, path); };
  const auto [weight, bias] = record_folded(
      tape, inputs[0],
      {parameter("weight"), parameter("bias"), parameter("norm.weight"), parameter("norm.bias")},
      batch_norm_buffers(*this), shape_, context.mode == Mode::train);
  return linear(tape, inputs[0], weight, bias);
}

QuantizedLinearBatchNorm1d::QuantizedLinearBatchNorm1d(const LinearBatchNormShape& shape,
                                                       std::vector<Buffer> buffers,
                                                       NodeQuantization quantization)
    : QuantizedModule(std::move(quantization)),
      shape_(shape),
      type_("LinearBatchNorm1d" + this->quantization().class_suffix) {
  parameters_ = linear_batch_norm_parameters(shape);
  buffers_ = std::move(buffers);
  add_thresholds();
}

void QuantizedLinearBatchNorm1d::check_sums(std::string_view where) const {
  if (quantization().fixed()) plan_sum(sum_formats(), shape_.in, where);
}

std::string QuantizedLinearBatchNorm1d::describe() const {
  return with_formats(describe_shape(shape_));
}

Index QuantizedLinearBatchNorm1d::output_features(std::span<const Index> inputs) const {
  return Linear(shape_.in, shape_.out).output_features(inputs);
}

Variable QuantizedLinearBatchNorm1d::record(Tape& tape, std::span<const Variable> inputs,
                                            const RecordContext& context, std::string_view path) {
  const Variable x = quantize_input(tape, inputs[0], 0, context, path);
  const auto parameter = [&](std::string_view name) { return parameter_variable(tape, name, path); };
  auto [weight, bias] = record_folded(
      tape, x, {parameter("weight"), parameter("bias"), parameter("norm.weight"), parameter("norm.bias")},
      batch_norm_buffers(*this), shape_, context.mode == Mode::train && quantization().batch_statistics);
  weight = quantize(tape, weight, kWeight, context, path, "weight");
  bias = quantize(tape, bias, kBias, context, path, "bias");
  const Variable y = quantization().fixed() ? exact_linear(tape, x, weight, bias, sum_formats(), path)
                                            : linear(tape, x, weight, bias);
  return quantize_output(tape, y, context, path);
}

void QuantizedLinearBatchNorm1d::initialize(RandomStream stream) {
  initialize_linear_batch_norm(shape_, stream, *this);
  reset_thresholds();
}

}  // namespace jsc
