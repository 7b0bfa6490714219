// add_common_metadata: what each node is and what goes through it, found by running the network once on a
// dummy input, in evaluation mode (MASE runs in whatever mode the modules are in and so changes running
// statistics: Q-16).
//
//   common.mase_type, common.mase_op
//   common.args     data_in_0, data_in_1, ...: {shape, torch_dtype, type, precision, from, value}; from names
//   the node it comes from
//                   each named parameter:      {type, precision, shape, from: None, value}
//   common.results  data_out_0:                {type, precision, shape, torch_dtype, value}
//   graph.common    nodes_in, nodes_out, args, results of the whole
// type and precision are what the node's layer sees the tensor through: float, or its formats.
// Shapes are PyTorch's [batch, features]; the output node's result is its argument's. Without
// add_value there is no `value`.
#include <algorithm>

#include "graph/edit.hpp"
#include "graph/executor.hpp"
#include "graph/mase_names.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

// [batch][features] as nested lists, from the feature-major value.
MetaValue rows_of(ConstMatrix value) {
  MetaValue rows = MetaValue::array();
  for (Index b = 0; b < value.cols; ++b) {
    MetaValue row = MetaValue::array();
    for (Index f = 0; f < value.rows; ++f) row.push_back(value(f, b));
    rows.push_back(std::move(row));
  }
  return rows;
}

MetaValue parameter_values(const Parameter& parameter) {
  MetaValue rows = MetaValue::array();
  for (Index r = 0; r < parameter.value.rows; ++r) {
    MetaValue row = MetaValue::array();
    for (Index c = 0; c < parameter.value.cols; ++c) row.push_back(parameter.value(r, c));
    if (parameter.shape.size() == 1) return row;
    rows.push_back(std::move(row));
  }
  return rows;
}

// What the node makes of its tensors: a quantized layer says its formats.
NumberType number_type(const Graph& graph, const Node& node, std::string_view tensor) {
  return node.kind == NodeKind::call_module ? graph.find_module(node.target)->number_type(tensor)
                                            : NumberType();
}

MetaValue activation_entry(ConstMatrix value, const NumberType& numbers, bool add_value) {
  MetaValue entry = {{"shape", {value.cols, value.rows}},
                     {"torch_dtype", "torch.float32"},
                     {"type", numbers.name},
                     {"precision", numbers.precision}};
  if (add_value) entry["value"] = rows_of(value);
  return entry;
}

MetaValue parameter_entry(const Parameter& parameter, const NumberType& numbers, bool add_value) {
  MetaValue entry = {{"type", numbers.name},
                     {"precision", numbers.precision},
                     {"shape", parameter.shape},
                     {"from", nullptr}};
  if (add_value) entry["value"] = parameter_values(parameter);
  return entry;
}

}  // namespace

PassResult add_common_metadata(Graph& graph, const PassArguments& arguments) {
  if (arguments.input == nullptr || arguments.input->rows() == 0)
    fail("pass add_common_metadata: needs input data, and there is none");
  if (arguments.input->features() != graph.input().features)
    fail("pass add_common_metadata: the network takes {} features, the data has {}", graph.input().features,
         arguments.input->features());
  const auto wanted = arguments.options.at("batch_size").get<Index>();
  if (wanted < 1) fail("pass add_common_metadata: 'batch_size' should be at least 1, found {}", wanted);
  const bool add_value = arguments.options.at("add_value").get<bool>();

  Tape tape(arguments.execution, Tape::Gradients::none);
  const Recording recording = record(graph, tape, std::min(wanted, arguments.input->rows()), Mode::evaluate);
  arguments.input->fill(0, tape.value(recording.input));
  tape.forward();
  const auto value = [&](NodeId id) { return tape.value(recording.values[static_cast<std::size_t>(id)]); };

  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    MetaValue args = MetaValue::object();
    if (node.kind == NodeKind::call_module || node.kind == NodeKind::call_function) {
      for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        const std::string name = fmt::format("data_in_{}", k);
        MetaValue entry = activation_entry(value(node.inputs[k]), number_type(graph, node, name), add_value);
        entry["from"] = graph.nodes[static_cast<std::size_t>(node.inputs[k])].name;
        args[name] = std::move(entry);
      }
    }
    if (node.kind == NodeKind::call_module)
      for (const Parameter& parameter : graph.find_module(node.target)->parameters())
        args[parameter.name] =
            parameter_entry(parameter, number_type(graph, node, parameter.name), add_value);
    MetaValue& common = node.meta.common;
    common["mase_type"] = mase_type(graph, node);
    common["mase_op"] = mase_op(graph, node);
    common["args"] = std::move(args);
    common["results"] = {{"data_out_0", activation_entry(value(static_cast<NodeId>(i)),
                                                         number_type(graph, node, "data_out_0"), add_value)}};
    if (node.kind == NodeKind::placeholder || node.kind == NodeKind::output)
      node.meta.hardware["is_implicit"] = true;
  }

  const NodeId first = users(graph, 0).at(0);
  graph.meta.common = {{"nodes_in", {graph.nodes[static_cast<std::size_t>(first)].name}},
                       {"nodes_out", {graph.result().name}},
                       {"args", {{"data_in_0", activation_entry(value(0), {}, add_value)}}},
                       {"results", graph.nodes.back().meta.common["results"]}};
  return {};
}

}  // namespace jsc
