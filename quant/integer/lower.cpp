#include "quant/integer/lower.hpp"

#include <algorithm>
#include <map>

#include "engine/error.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/quantized_tensors.hpp"

namespace jsc {

namespace {

constexpr int kFloatInput = -1;  // what the placeholder yields
constexpr int kParameter = -2;   // a matmul's weight, which is part of its step

// [in][out] as [out][in].
std::vector<std::int64_t> transposed(const std::vector<std::int64_t>& weights, std::size_t out) {
  std::vector<std::int64_t> turned;
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t i = o; i < weights.size(); i += out) turned.push_back(weights[i]);
  return turned;
}

class Lowering {
 public:
  explicit Lowering(const Graph& graph) : graph_(graph) {
    for (QuantizedTensor& tensor : quantized_tensors(graph)) tensors_.emplace(tensor.name, std::move(tensor));
  }

  IntegerProgram run() {
    for (const Node& node : graph_.nodes) values_.push_back(lower_node(node));
    program_.result = values_.back();
    if (program_.result == kFloatInput) fail("lower: the network computes nothing");
    check(program_);
    return std::move(program_);
  }

 private:
  int lower_node(const Node& node) {
    const auto input = [&](std::size_t i) { return values_[static_cast<std::size_t>(node.inputs[i])]; };
    if (node.kind == NodeKind::placeholder) return kFloatInput;
    if (node.kind == NodeKind::get_attr) return kParameter;
    if (node.kind == NodeKind::output) return input(0);
    const QuantizedModule* module = quantized_module(graph_, node);
    if (module == nullptr) {
      const Module* plain = node.kind == NodeKind::call_module ? graph_.find_module(node.target) : nullptr;
      if (plain != nullptr && plain->op() == "dropout") return input(0);
      fail("lower: node '{}' ({}) is not quantized", node.name,
           plain != nullptr ? plain->type() : std::string_view(node.target));
    }
    const NodeQuantization& quantization = module->quantization();
    if (!quantization.fixed())
      fail("lower: node '{}' is quantized to '{}', and only fixed point becomes integers", node.name,
           quantization.format);
    const std::string& path = node.target;
    const fixed::Format& data = *quantization.data_in->fixed_format();
    const int x = quantize(input(0), node, data, path + ".data_in_0");

    int y = x;
    if (module->op() == "linear" || module->op() == "matmul" || module->op() == "batch_norm1d") {
      y = sums(*module, node, x);
    } else if (module->op() == "relu") {
      if (data.is_signed) y = plain(Operation::relu, {x}, data.fraction(), path + ".relu", node.features);
    } else if (const auto* pair = dynamic_cast<const QuantizedPair*>(module)) {
      const int other = quantize(input(1), node, data, path + ".data_in_1");
      const Operation operation = find_operation(pair->op());
      y = plain(operation, {x, other}, pair_fraction(pair->operation(), data), path + ".sum", node.features);
    }
    if (quantization.data_out)
      y = quantize(y, node, *quantization.data_out->fixed_format(), path + ".data_out_0");
    return y;
  }

  int add_value(std::string name, Index features, int fraction) {
    program_.values.push_back({std::move(name), features, fraction, {}});
    return static_cast<int>(program_.values.size()) - 1;
  }

  // Appends a step whose output is the value added last.
  int append(IntegerStep step) {
    program_.values[static_cast<std::size_t>(step.output)].ranges = analyze(program_, step).ranges;
    program_.steps.push_back(std::move(step));
    return program_.steps.back().output;
  }

  int plain(Operation operation, std::vector<int> inputs, int fraction, std::string name, Index features) {
    IntegerStep step;
    step.operation = operation;
    step.inputs = std::move(inputs);
    step.output = add_value(std::move(name), features, fraction);
    return append(std::move(step));
  }

  int quantize(int from, const Node& node, const fixed::Format& format, std::string name) {
    if (from == kFloatInput) {
      const Index features = graph_.nodes[static_cast<std::size_t>(node.inputs[0])].features;
      const int value = add_value(std::move(name), features, format.fraction());
      program_.values.back().ranges.assign(static_cast<std::size_t>(features), full_range(format));
      program_.inputs.push_back({value, format});
      return value;
    }
    IntegerStep step;
    step.format = format;
    step.inputs = {from};
    step.output = add_value(std::move(name), program_.values[static_cast<std::size_t>(from)].features,
                            format.fraction());
    return append(std::move(step));
  }

  int sums(const QuantizedModule& module, const Node& node, int x) {
    const SumFormats formats = module.sum_formats();
    const bool dense = module.op() != "batch_norm1d";
    const SumPlan plan = plan_sum(formats, dense ? program_.values[static_cast<std::size_t>(x)].features : 1,
                                  fmt::format("lower: node '{}'", node.name));
    IntegerStep step;
    step.operation = dense ? Operation::dense : Operation::scale_shift;
    step.inputs = {x};
    step.weights = tensors_.at(node.target + ".weight").raw();
    if (module.op() == "matmul")
      step.weights = transposed(step.weights, static_cast<std::size_t>(node.features));
    step.weight_format = formats.weight;
    if (formats.bias) {
      step.bias = tensors_.at(node.target + ".bias").raw();
      step.bias_format = *formats.bias;
    }
    step.accumulator = formats.accumulator;
    step.output = add_value(node.target + ".sum", node.features, plan.fraction);
    IntegerValue& value = program_.values.back();
    value.ranges = analyze(program_, step).ranges;
    if (!step.accumulator)
      for (const Range& range : value.ranges) step.sum_widths.push_back(signed_width(range));
    program_.steps.push_back(std::move(step));
    return program_.steps.back().output;
  }

  const Graph& graph_;
  std::map<std::string, QuantizedTensor> tensors_;
  IntegerProgram program_;
  std::vector<int> values_;  // of each node
};

}  // namespace

IntegerProgram lower(const Graph& graph) {
  return Lowering(graph).run();
}

}  // namespace jsc
