#include "quant/quantized_module.hpp"

#include <fmt/format.h>

#include "engine/error.hpp"
#include "quant/learned_range.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

constexpr const TensorRole* kRoles[] = {&kDataIn, &kWeight, &kBias, &kDataOut};

std::string threshold_name(const char* tensor) {
  return fmt::format("{}_log2_t", tensor);
}

// The random streams of one call of a layer are apart by its tensors; the lower bits tell the calls apart.
RandomStream stream_of(RandomStream call, std::string_view label) {
  std::uint64_t tensor = 1;
  for (std::string_view name : {"data_in_0", "data_in_1", "weight", "bias", "data_out_0"}) {
    if (label == name) break;
    ++tensor;
  }
  return {call.seed, call.stream + (tensor << 40)};
}

}  // namespace

const NodeQuantization& QuantizedModule::quantization() const {
  if (quantization_.learned_ranges) follow_thresholds();
  return quantization_;
}

void QuantizedModule::follow_thresholds() const {
  for (const TensorRole* role : kRoles) {
    QuantizerPointer& quantizer = quantization_.*role->quantizer;
    if (!quantizer) continue;
    for (const Parameter& parameter : parameters_) {
      if (parameter.name != threshold_name(role->name) || !parameter.value) continue;
      const fixed::Format now = *quantizer->fixed_format();
      const fixed::Format next = format_at_threshold(now, parameter.value.data[0]);
      if (next == now) continue;
      known_.try_emplace({role->name, now.integer}, quantizer);
      QuantizerPointer& other = known_[{role->name, next.integer}];
      if (!other) other = std::make_shared<FixedQuantizer>(next);
      quantizer = other;
      quantization_.config[fmt::format("{}_frac_width", role->name)] = next.fraction();
    }
  }
}

void QuantizedModule::add_thresholds() {
  if (!quantization_.learned_ranges) return;
  for (const TensorRole* role : kRoles)
    if (quantization_.*role->quantizer) parameters_.push_back({threshold_name(role->name), {1}, {}, {}});
}

void QuantizedModule::reset_thresholds() {
  for (const TensorRole* role : kRoles)
    for (Parameter& parameter : parameters_)
      if (parameter.name == threshold_name(role->name))
        parameter.value.data[0] = threshold_of(*(quantization_.*role->quantizer)->fixed_format());
}

SumFormats QuantizedModule::sum_formats() const {
  const NodeQuantization& node = quantization();
  const auto format = [&](const QuantizerPointer& quantizer) {
    const fixed::Format* known = quantizer->fixed_format();
    if (known == nullptr) fail("{}: expected fixed point, found the format '{}'", type(), quantizer->name());
    return *known;
  };
  SumFormats formats{format(node.data_in), format(node.data_in), std::nullopt, node.accumulator};
  if (node.weight) formats.weight = format(node.weight);
  if (node.bias) formats.bias = format(node.bias);
  return formats;
}

NumberType QuantizedModule::number_type(std::string_view tensor) const {
  const NodeQuantization& node = quantization();
  for (const TensorRole* role : kRoles) {
    const bool indexed = role->kind == TensorKind::activation;  // data_in_0
    if (indexed ? !tensor.starts_with(role->name) || tensor.ends_with("_t") : tensor != role->name) continue;
    if (const QuantizerPointer& quantizer = node.*role->quantizer)
      return {std::string(quantizer->name()), quantizer->precision()};
  }
  return {};
}

std::uint64_t QuantizedModule::recording_key() const {
  std::uint64_t key = 0;
  if (!quantization_.learned_ranges) return key;
  const NodeQuantization& node = quantization();
  for (const TensorRole* role : kRoles)
    if (const QuantizerPointer& quantizer = node.*role->quantizer)
      key = key * 1021 + static_cast<std::uint64_t>(quantizer->fixed_format()->integer + 512);
  return key;
}

Variable QuantizedModule::quantize(Tape& tape, Variable x, const TensorRole& role,
                                   const RecordContext& context, std::string_view path,
                                   std::string_view label) {
  const NodeQuantization& node = quantization();
  const Quantizer& quantizer = *(node.*role.quantizer);
  FakeQuantization how{quantizer, role.kind, node.ste};
  if (node.learned_ranges) how.log2_threshold = parameter_variable(tape, threshold_name(role.name), path);
  if (quantizer.stochastic() && context.mode == Mode::train) how.random = stream_of(context.random, label);
  return fake_quantize(tape, x, how, fmt::format("{}.{}", path, label));
}

Variable QuantizedModule::quantize_input(Tape& tape, Variable x, int which, const RecordContext& context,
                                         std::string_view path) {
  return quantize(tape, x, kDataIn, context, path, which == 0 ? "data_in_0" : "data_in_1");
}

Variable QuantizedModule::quantize_output(Tape& tape, Variable y, const RecordContext& context,
                                          std::string_view path) {
  return quantization().data_out ? quantize(tape, y, kDataOut, context, path, "data_out_0") : y;
}

// "LinearInteger(in_features=16, out_features=5, bias=True, data_in=integer[8, 4], weight=..., ...)"
std::string QuantizedModule::with_formats(std::string description) const {
  const NodeQuantization& node = quantization();
  description.replace(0, description.find('('), type());
  description.pop_back();
  for (const TensorRole* role : kRoles)
    if (const QuantizerPointer& quantizer = node.*role->quantizer)
      description += fmt::format("{}{}={}{}", description.back() == '(' ? "" : ", ", role->name,
                                 quantizer->name(), python_text(quantizer->precision()));
  return description + ")";
}

}  // namespace jsc
