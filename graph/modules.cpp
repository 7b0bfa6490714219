#include "graph/modules.hpp"

#include <algorithm>

#include "ops/batch_norm.hpp"
#include "ops/dropout.hpp"
#include "ops/hardtanh.hpp"
#include "ops/initialize.hpp"
#include "ops/leaky_relu.hpp"
#include "ops/linear.hpp"
#include "ops/relu.hpp"
#include "ops/sigmoid.hpp"
#include "ops/softmax.hpp"
#include "ops/tanh.hpp"

namespace jsc {

namespace {

Index only_input(std::string_view type, std::span<const Index> inputs) {
  if (inputs.size() != 1) fail("{}: expected one input, found {}", type, inputs.size());
  return inputs[0];
}

Index expect_features(const std::string& layer, std::span<const Index> inputs, Index expected) {
  const Index found = only_input(layer, inputs);
  if (found != expected) fail("{}: expected {} input features, found {}", layer, expected, found);
  return found;
}

// Python's repr of a float: the shortest text that reads back, with ".0" where it looks like an integer
// ("1e-05", "0.1", "1.0").
std::string python_float(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

constexpr std::string_view python_bool(bool value) {
  return value ? "True" : "False";
}

}  // namespace

Linear::Linear(Index in, Index out, bool bias) : in_(in), out_(out) {
  if (in < 1 || out < 1)
    fail("Linear: expected at least one input and one output feature, found {} and {}", in, out);
  parameters_.push_back({"weight", {out, in}, {}, {}});
  if (bias) parameters_.push_back({"bias", {out}, {}, {}});
}

std::string Linear::describe() const {
  return fmt::format("Linear(in_features={}, out_features={}, bias={})", in_, out_,
                     python_bool(parameters_.size() == 2));
}

Index Linear::output_features(std::span<const Index> inputs) const {
  expect_features(describe(), inputs, in_);
  return out_;
}

Variable Linear::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                        std::string_view path) {
  const Variable weight = parameter_variable(tape, "weight", path),
                 bias = parameter_variable(tape, "bias", path);
  if (context.norm != nullptr) return linear_batch_norm_relu(tape, inputs[0], weight, bias, *context.norm);
  return linear(tape, inputs[0], weight, bias, context.relu);
}

void Linear::initialize(RandomStream stream) {
  initialize_linear(stream, parameters_[0].value, parameters_.size() == 2 ? parameters_[1].value : Matrix{});
}

Weight::Weight(Index in, Index out) {
  if (in < 1 || out < 1) fail("matmul: expected a weight of at least 1 x 1, found {} x {}", in, out);
  parameters_.push_back({"weight", {in, out}, {}, {}});
}

std::string Weight::describe() const {
  return fmt::format("Parameter containing: [torch.float32 of size {}x{}]", parameters_[0].rows(),
                     parameters_[0].cols());
}

Index Weight::output_features(std::span<const Index> inputs) const {
  if (!inputs.empty()) fail("{}: expected no input, found {}", describe(), inputs.size());
  return parameters_[0].cols();
}

Variable Weight::record(Tape& tape, std::span<const Variable>, const RecordContext&, std::string_view path) {
  return parameter_variable(tape, "weight", path);
}

void Weight::initialize(RandomStream stream) {
  initialize_weight(stream, parameters_[0].value, parameters_[0].rows());
}

BatchNorm1d::BatchNorm1d(Index features, double eps, double momentum, bool affine)
    : features_(features), eps_(eps), momentum_(momentum), affine_(affine) {
  if (features < 1) fail("BatchNorm1d: expected at least one feature, found {}", features);
  if (!(eps > 0)) fail("BatchNorm1d: eps should be positive, found {}", eps);
  if (!(momentum > 0 && momentum <= 1)) fail("BatchNorm1d: momentum should be in (0, 1], found {}", momentum);
  if (affine) {
    parameters_.push_back({"weight", {features}, {}, {}});
    parameters_.push_back({"bias", {features}, {}, {}});
  }
  const auto n = static_cast<std::size_t>(features);
  buffers_.push_back({"running_mean", {features}, std::vector<float>(n, 0.0F)});
  buffers_.push_back({"running_var", {features}, std::vector<float>(n, 1.0F)});
  buffers_.push_back({"num_batches_tracked", {}, std::int64_t{0}});
}

std::string BatchNorm1d::describe() const {
  return fmt::format("BatchNorm1d({}, eps={}, momentum={}, affine={}, track_running_stats=True)", features_,
                     python_float(eps_), python_float(momentum_), python_bool(affine_));
}

Index BatchNorm1d::output_features(std::span<const Index> inputs) const {
  return expect_features(describe(), inputs, features_);
}

Variable BatchNorm1d::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                             std::string_view path) {
  const BatchNormLayer layer = on_tape(tape, path);
  if (context.mode == Mode::train)
    return batch_norm_train(tape, inputs[0], layer, static_cast<float>(momentum_), context.relu);
  return batch_norm_eval(tape, inputs[0], layer, context.relu);
}

BatchNormLayer BatchNorm1d::on_tape(Tape& tape, std::string_view path) {
  return {
      parameter_variable(tape, "weight", path),
      parameter_variable(tape, "bias", path),
      {std::get<std::vector<float>>(buffers_[0].value).data(),
       std::get<std::vector<float>>(buffers_[1].value).data(), &std::get<std::int64_t>(buffers_[2].value)},
      static_cast<float>(eps_)};
}

void BatchNorm1d::initialize(RandomStream) {
  if (affine_) {
    std::fill_n(parameters_[0].value.data, features_, 1.0F);
    std::fill_n(parameters_[1].value.data, features_, 0.0F);
  }
  std::ranges::fill(std::get<std::vector<float>>(buffers_[0].value), 0.0F);
  std::ranges::fill(std::get<std::vector<float>>(buffers_[1].value), 1.0F);
  std::get<std::int64_t>(buffers_[2].value) = 0;
}

Index Activation::output_features(std::span<const Index> inputs) const {
  return only_input(type(), inputs);
}

Variable ReLU::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&, std::string_view) {
  return relu(tape, inputs[0]);
}

std::string LeakyReLU::describe() const {
  return fmt::format("LeakyReLU(negative_slope={})", python_float(negative_slope_));
}

Variable LeakyReLU::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                           std::string_view) {
  return leaky_relu(tape, inputs[0], static_cast<float>(negative_slope_));
}

Hardtanh::Hardtanh(double min, double max) : min_(min), max_(max) {
  if (!(min < max)) fail("Hardtanh: min should be below max, found {} and {}", min, max);
}

std::string Hardtanh::describe() const {
  return fmt::format("Hardtanh(min_val={}, max_val={})", python_float(min_), python_float(max_));
}

Variable Hardtanh::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                          std::string_view) {
  return hardtanh(tape, inputs[0], static_cast<float>(min_), static_cast<float>(max_));
}

Variable Sigmoid::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                         std::string_view) {
  return sigmoid(tape, inputs[0]);
}

Variable Tanh::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&, std::string_view) {
  return tanh(tape, inputs[0]);
}

Variable Softmax::record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                         std::string_view) {
  return softmax(tape, inputs[0]);
}

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p < 1)) fail("Dropout: p should be in [0, 1), found {}", p);
}

std::string Dropout::describe() const {
  return fmt::format("Dropout(p={}, inplace=False)", python_float(p_));
}

Variable Dropout::record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                         std::string_view) {
  if (context.mode == Mode::evaluate || p_ == 0) return inputs[0];
  return dropout(tape, inputs[0], static_cast<float>(p_), context.random);
}

}  // namespace jsc
