// profile_ranges: what magnitudes every weight and activation tensor has, as box plots in powers of two need
// it. Weights are parameters and float buffers; activations are the network's input and the output of every
// node, in evaluation mode. The graph stays as it is.
#include <set>

#include "graph/passes/passes.hpp"
#include "graph/statistics/box.hpp"
#include "graph/statistics/observe.hpp"

namespace jsc {

namespace {

std::vector<TensorBox> weight_boxes(const Graph& graph) {
  std::vector<TensorBox> boxes;
  std::set<std::string> seen;  // a module that is called twice has its weights once
  for (const Node& node : graph.nodes) {
    const Module* module = graph.module_of(node);
    if (module == nullptr || !seen.emplace(module_path(node)).second) continue;
    for (const WeightTensor& tensor : weight_tensors(*module)) {
      // A node that fetches a parameter is named after it.
      const std::string name =
          node.kind == NodeKind::get_attr ? node.name : fmt::format("{} {}", node.name, tensor.name);
      BoxAccumulator accumulator({tensor.shape, 1});
      observe_weight(accumulator, tensor.values, "profile_ranges: " + name);
      boxes.push_back(accumulator.box(name));
    }
  }
  return boxes;
}

std::vector<TensorBox> activation_boxes(const Graph& graph, const PassArguments& arguments) {
  std::vector<Observation> observations;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].kind != NodeKind::output && graph.nodes[i].kind != NodeKind::get_attr)
      observations.push_back({static_cast<NodeId>(i), [](const SampleLayout& layout) {
                                return std::unique_ptr<Accumulator>(new BoxAccumulator(layout));
                              }});
  if (arguments.input == nullptr) fail("profile_ranges: activations need an input, found none");
  const MetaValue& samples = arguments.options["num_samples"];
  const auto accumulators = observe(
      graph, arguments, samples.is_null() ? arguments.input->rows() : samples.get<Index>(), observations);

  std::vector<TensorBox> boxes;
  for (std::size_t i = 0; i < observations.size(); ++i)
    boxes.push_back(
        static_cast<const BoxAccumulator&>(*accumulators[i])
            .box(graph.nodes[static_cast<std::size_t>(observations[i].node)].name + " data_out_0"));
  return boxes;
}

}  // namespace

PassResult profile_ranges(Graph& graph, const PassArguments& arguments) {
  PassResult result;
  result.boxes = weight_boxes(graph);
  for (TensorBox& box : activation_boxes(graph, arguments)) result.boxes.push_back(std::move(box));

  ReportTable table{"ranges",
                    {"tensor", "values", "zeros", "min", "q1", "median", "q3", "max"},
                    {false, true, true, true, true, true, true, true},
                    {}};
  for (const TensorBox& box : result.boxes) {
    const auto number = [](double v) { return fmt::format("{:.6g}", v); };
    table.rows.push_back({box.name, fmt::format("{}", box.count), number(box.zero_share), number(box.min),
                          number(box.q1), number(box.median), number(box.q3), number(box.max)});
  }
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace jsc
