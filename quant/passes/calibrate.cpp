// calibrate: chooses where the binary point stands in each fixed-point tensor of a quantized network, the
// widths staying as they are.
//   min_max   the most fraction bits with which no value saturates
//   quantile  the same for a quantile of the magnitudes; what is larger saturates
//   mse       the fraction bits with the least sum of (Q(v) - v)^2 (Banner et al., NeurIPS 2019, by search)
// Parameters are judged by their own values, inputs by those of `num_samples` rows. Nodes are taken in order,
// each seeing what the quantized nodes before it yield. Unsigned inputs are judged by what is above zero.
// With `drop_signs`, inputs that cannot be negative whatever the data, because a ReLU yields them, become
// unsigned, and their sign bit one of magnitude; `data_in_signed` in the configuration stands.
#include <algorithm>
#include <cmath>

#include "graph/executor.hpp"
#include "quant/fixed/text.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"
#include "quant/quantized_tensors.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

constexpr Index kRowsAtATime = 1024;
constexpr int kMaxFraction = 64;  // as the configuration allows (quantizer/formats.cpp)

struct Method {
  std::string name;
  double quantile;
};

fixed::Format with_fraction(fixed::Format format, int fraction) {
  format.integer = format.width - fraction;
  return format;
}

double squared_error(const std::vector<float>& values, const fixed::Format& format) {
  std::vector<float> quantized(values.size());
  const auto n = static_cast<Index>(values.size());
  FixedQuantizer(format).quantize({values.data(), 1, n, n}, TensorKind::bias, {quantized.data(), 1, n, n});
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = static_cast<double>(quantized[i]) - values[i];
    sum += error * error;
  }
  return sum;
}

// The most fraction bits with which numbers from lo to hi are in range.
int widest_fraction(double lo, double hi, const fixed::Format& format) {
  int fraction = std::min(kMaxFraction, format.width + 30);
  while (fraction > -kMaxFraction) {
    const fixed::Format candidate = with_fraction(format, fraction);
    const double half = 0.5 * candidate.resolution();
    if (lo >= candidate.min_value() - half && hi <= candidate.max_value() + half) break;
    --fraction;
  }
  return fraction;
}

int choose_fraction(std::vector<float> values, const fixed::Format& format, const Method& method) {
  if (!format.is_signed) std::erase_if(values, [](float v) { return v <= 0; });
  std::erase(values, 0.0F);
  if (values.empty()) return format.fraction();
  const auto [lo, hi] = std::ranges::minmax(values);
  if (method.name == "min_max") return widest_fraction(lo, hi, format);
  if (method.name == "quantile") {
    std::vector<float> magnitudes;
    for (float v : values) magnitudes.push_back(std::fabs(v));
    const auto nth =
        std::min(magnitudes.size() - 1,
                 static_cast<std::size_t>(method.quantile * static_cast<double>(magnitudes.size())));
    std::nth_element(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(nth),
                     magnitudes.end());
    const double limit = magnitudes[nth];
    return widest_fraction(std::max<double>(lo, -limit), std::min<double>(hi, limit), format);
  }
  const int without_saturation = widest_fraction(lo, hi, format);
  int best = without_saturation;
  double least = INFINITY;
  for (int fraction = without_saturation;
       fraction <= std::min(without_saturation + format.width, kMaxFraction); ++fraction) {
    const double error = squared_error(values, with_fraction(format, fraction));
    if (error >= least) continue;
    least = error;
    best = fraction;
  }
  return best;
}

bool never_negative(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[static_cast<std::size_t>(id)];
  if (node.kind == NodeKind::get_attr) return true;  // matmul's weight has a format of its own
  const Module* layer = node.kind == NodeKind::call_module ? graph.find_module(node.target) : nullptr;
  const std::string_view op = layer != nullptr ? layer->op() : std::string_view(node.target);
  if (op == "dropout") return never_negative(graph, node.inputs[0]);
  const QuantizedModule* module = quantized_module(graph, node);
  if (module != nullptr && module->quantization().data_out) {
    const fixed::Format* format = module->quantization().data_out->fixed_format();
    if (format == nullptr) return false;
    if (!format->is_signed) return true;
    if (format->overflow == fixed::Overflow::wrap || format->overflow == fixed::Overflow::wrap_sm)
      return false;
  }
  return op == "relu" && (node.kind == NodeKind::call_module || node.kind == NodeKind::call_function);
}

// What the node reads, over the first rows of the input.
std::vector<float> input_values(const Graph& graph, NodeId node, const PassArguments& arguments,
                                Index samples) {
  std::vector<float> values;
  Tape tape(arguments.execution, Tape::Gradients::none);
  const Index batch = std::min(kRowsAtATime, samples);
  const Recording recording = record(graph, tape, batch, Mode::evaluate);
  for (Index first = 0; first < samples; first += batch) {
    const Matrix x = tape.value(recording.input);
    const Index n = std::min(batch, samples - first);
    arguments.input->fill(first, {x.data, x.rows, n, x.stride});
    tape.forward();
    for (NodeId source : graph.nodes[static_cast<std::size_t>(node)].inputs) {
      if (graph.nodes[static_cast<std::size_t>(source)].kind == NodeKind::get_attr) continue;
      const Matrix read = tape.value(recording.values[static_cast<std::size_t>(source)]);
      for (Index f = 0; f < read.rows; ++f) values.insert(values.end(), read.row(f), read.row(f) + n);
    }
  }
  return values;
}

}  // namespace

PassResult calibrate(Graph& graph, const PassArguments& arguments) {
  const Method method{arguments.options["method"], arguments.options["quantile"]};
  if (method.name != "min_max" && method.name != "quantile" && method.name != "mse")
    fail("calibrate: method should be min_max, quantile or mse, found '{}'", method.name);
  if (!(method.quantile > 0.5 && method.quantile <= 1))
    fail("calibrate: quantile should be in (0.5, 1], found {}", method.quantile);
  if (arguments.input == nullptr) fail("calibrate: there is no input to run");
  const auto samples =
      std::min<Index>(arguments.options["num_samples"].get<Index>(), arguments.input->rows());
  const bool drop_signs = arguments.options["drop_signs"];
  if (samples < 1) fail("calibrate: num_samples should be 1 or more, found {}", samples);

  PassResult result;
  ReportTable table{"calibration", {"Tensor", "Before", "After"}, {false, false, false}, {}};
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const QuantizedModule* module = quantized_module(graph, graph.nodes[id]);
    if (module == nullptr || !module->quantization().fixed()) continue;
    const Node& node = graph.nodes[id];
    const NodeQuantization before = module->quantization();
    MetaValue config = before.config;
    if (drop_signs && module->op() != "relu" && !config.contains("data_in_signed") &&
        std::ranges::all_of(node.inputs, [&](NodeId input) { return never_negative(graph, input); }))
      config["data_in_signed"] = false;
    const auto set = [&](const char* tensor, const QuantizerPointer& quantizer, std::vector<float> values) {
      const fixed::Format* now = quantizer->fixed_format();
      if (now == nullptr) return;
      fixed::Format format = *now;
      if (tensor == std::string_view("data_in"))
        format.is_signed = config.value("data_in_signed", format.is_signed);
      const int fraction = choose_fraction(std::move(values), format, method);
      config[fmt::format("{}_frac_width", tensor)] = fraction;
      table.rows.push_back({fmt::format("{}.{}", node.target, tensor), fixed::to_string(*now),
                            fixed::to_string(with_fraction(format, fraction))});
    };
    set("data_in", before.data_in, input_values(graph, static_cast<NodeId>(id), arguments, samples));
    for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
      if (tensor.name == node.target + ".weight") set("weight", before.weight, tensor.values);
      if (tensor.name == node.target + ".bias") set("bias", before.bias, tensor.values);
    }
    if (config == before.config) continue;
    const auto after = read_node_quantization(config, module->op(), before.bias != nullptr,
                                              fmt::format("calibrate, node '{}'", node.name));
    result.changed.push_back(node.name);
    quantize_node(graph, static_cast<NodeId>(id), *after);
  }
  if (table.rows.empty()) fail("calibrate: no node is quantized to fixed point (run quantize before)");
  result.text = fmt::format("{} {} calibrated by {} over {} rows\n", result.changed.size(),
                            result.changed.size() == 1 ? "node" : "nodes", method.name, samples);
  result.info = quantization_of(graph);
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace jsc
