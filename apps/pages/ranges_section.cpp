#include <algorithm>

#include "apps/pages/sections.hpp"
#include "apps/transform/inputs.hpp"
#include "apps/transform/pass_list.hpp"
#include "apps/transform/range_plots.hpp"
#include "graph/statistics/box.hpp"
#include "graph/statistics/observe.hpp"
#include "quant/fixed/text.hpp"
#include "quant/quantization.hpp"
#include "quant/quantized_tensors.hpp"

namespace jsc {

namespace {

struct TensorFormats {
  std::string tensor;  // as the box is called
  std::vector<QuantizerPointer> quantizers;
};

std::string text_of(const Quantizer& quantizer) {
  if (const fixed::Format* format = quantizer.fixed_format()) return fixed::to_string(*format);
  return std::string(quantizer.name()) + python_text(quantizer.precision());
}

// How the network's tensors are held: parameters by the layers that own them, what a node yields by the
// layers that take it.
std::vector<TensorFormats> formats_of(const Graph& graph) {
  std::vector<TensorFormats> formats;
  const auto add = [&](const std::string& tensor, const QuantizerPointer& quantizer) {
    if (!quantizer) return;
    auto found = std::ranges::find(formats, tensor, &TensorFormats::tensor);
    if (found == formats.end()) found = formats.insert(formats.end(), {tensor, {}});
    const auto same = [&](const QuantizerPointer& other) { return text_of(*other) == text_of(*quantizer); };
    if (std::ranges::none_of(found->quantizers, same)) found->quantizers.push_back(quantizer);
  };
  for (const Node& node : graph.nodes) {
    const QuantizedModule* module = quantized_module(graph, node);
    if (module == nullptr) continue;
    const NodeQuantization& quantization = module->quantization();
    if (module->op() != "matmul") add(node.name + " weight", quantization.weight);
    add(node.name + " bias", quantization.bias);
    add(node.name + " data_out_0", quantization.data_out);
    for (const NodeId input : node.inputs) {
      const Node& source = graph.nodes[static_cast<std::size_t>(input)];
      if (source.kind == NodeKind::get_attr)
        add(source.name, quantization.weight);
      else
        add(source.name + " data_out_0", quantization.data_in);
    }
  }
  return formats;
}

// A quantized batch norm holds alpha and beta, not the parameters and statistics that they are computed from.
void replace_batch_norm_boxes(std::vector<TensorBox>& boxes, const Graph& graph) {
  for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
    const std::size_t dot = tensor.name.rfind('.');
    for (const Node& node : graph.nodes) {
      if (node.target != tensor.name.substr(0, dot)) continue;
      if (dynamic_cast<const QuantizedBatchNorm1d*>(quantized_module(graph, node)) == nullptr) continue;
      std::erase_if(boxes,
                    [&](const TensorBox& box) { return box.name.starts_with(node.name + " running_"); });
      const std::string name = node.name + " " + tensor.name.substr(dot + 1);
      BoxAccumulator accumulator({tensor.shape, 1});
      observe_weight(accumulator, tensor.values, name);
      const auto box = std::ranges::find(boxes, name, &TensorBox::name);
      if (box != boxes.end()) *box = accumulator.box(name);
    }
  }
}

std::string number(double value) {
  return fmt::format("{:.4g}", value);
}

}  // namespace

void add_ranges_section(Page& page, Graph& graph, const PreparedData& data,
                        std::span<const std::uint32_t> chosen, const std::string& rows,
                        const Execution& execution) {
  const PreparedInput input(data, chosen, execution);
  PassArguments arguments;
  arguments.input = &input;
  arguments.execution = execution;
  std::vector<TensorBox> boxes = run_pass(find_pass("profile_ranges"), graph, arguments).boxes;
  replace_batch_norm_boxes(boxes, graph);

  const std::vector<TensorFormats> formats = formats_of(graph);
  std::vector<FormatBand> bands;
  std::vector<std::string> titles = {"tensor",   "values", "zeros %",  "least",
                                     "quartile", "median", "quartile", "largest"};
  if (!formats.empty()) titles.push_back("format");
  std::vector<Align> align(titles.size(), Align::right);
  align[0] = Align::left;
  if (!formats.empty()) align.back() = Align::left;
  Table table(titles, align);
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    const TensorBox& box = boxes[b];
    std::vector<std::string> cells = {box.name,
                                      std::to_string(box.count),
                                      number(100 * box.zero_share),
                                      number(box.min),
                                      number(box.q1),
                                      number(box.median),
                                      number(box.q3),
                                      number(box.max)};
    const auto held = std::ranges::find(formats, box.name, &TensorFormats::tensor);
    std::string text;
    if (held != formats.end())
      for (const QuantizerPointer& quantizer : held->quantizers) {
        text += (text.empty() ? "" : "; ") + text_of(*quantizer);
        if (const fixed::Format* format = quantizer->fixed_format())
          bands.push_back({b, static_cast<double>(-format->fraction()),
                           static_cast<double>(format->integer - (format->is_signed ? 1 : 0))});
      }
    if (!formats.empty()) cells.push_back(text);
    table.add_row(cells);
  }

  page.section("Ranges");
  std::string note =
      "A row a tensor: from the smallest to the largest magnitude that is not zero, the box from quartile to "
      "quartile, the bar across it the median. At the right the share of zeros.";
  if (!bands.empty()) note += " Grey: what the tensor's format holds, from its step to its largest number.";
  page.text(
      fmt::format("Magnitudes of the weights, and of the activations over the {}, in powers of two.", rows));
  page.plot(range_script(boxes, bands, false), table,
            {.caption = "Magnitudes of weights and activations",
             .note = note,
             .file = "ranges",
             .size = PlotSize::whole});
}

}  // namespace jsc
