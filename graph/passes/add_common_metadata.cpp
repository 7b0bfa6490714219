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

// A value as nested lists in torch's order: an activation is feature-major here, [batch][features] there.
MetaValue rows_of(ConstMatrix value, bool activation) {
  MetaValue rows = MetaValue::array();
  for (Index i = 0; i < (activation ? value.cols : value.rows); ++i) {
    MetaValue row = MetaValue::array();
    for (Index j = 0; j < (activation ? value.rows : value.cols); ++j)
      row.push_back(activation ? value(j, i) : value(i, j));
    rows.push_back(std::move(row));
  }
  return rows;
}

MetaValue parameter_values(const Parameter& parameter) {
  MetaValue rows = rows_of(parameter.value, false);
  return parameter.shape.size() == 1 ? rows[0] : rows;
}

// What the node makes of its tensors: a quantized layer says its formats.
NumberType number_type(const Graph& graph, const Node& node, std::string_view tensor) {
  return node.kind == NodeKind::call_module ? graph.find_module(node.target)->number_type(tensor)
                                            : NumberType();
}

// What a node yields: an activation, or a parameter that it fetches.
MetaValue value_entry(ConstMatrix value, bool activation, const NumberType& numbers, bool add_value) {
  const Index rows = activation ? value.cols : value.rows, cols = activation ? value.rows : value.cols;
  MetaValue entry = {{"shape", {rows, cols}},
                     {"torch_dtype", "torch.float32"},
                     {"type", numbers.name},
                     {"precision", numbers.precision}};
  if (add_value) entry["value"] = rows_of(value, activation);
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
  const auto entry_of = [&](NodeId id, const NumberType& numbers) {
    const auto i = static_cast<std::size_t>(id);
    return value_entry(tape.value(recording.values[i]), graph.nodes[i].kind != NodeKind::get_attr, numbers,
                       add_value);
  };

  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    MetaValue args = MetaValue::object();
    if (node.kind == NodeKind::call_module || node.kind == NodeKind::call_function) {
      for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        const std::string name = fmt::format("data_in_{}", k);
        MetaValue entry = entry_of(node.inputs[k], number_type(graph, node, name));
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
    common["results"] = {
        {"data_out_0", entry_of(static_cast<NodeId>(i), number_type(graph, node, "data_out_0"))}};
    if (node.kind == NodeKind::placeholder || node.kind == NodeKind::output ||
        node.kind == NodeKind::get_attr)
      node.meta.hardware["is_implicit"] = true;
  }

  const NodeId first = users(graph, 0).at(0);
  graph.meta.common = {{"nodes_in", {graph.nodes[static_cast<std::size_t>(first)].name}},
                       {"nodes_out", {graph.result().name}},
                       {"args", {{"data_in_0", entry_of(0, {})}}},
                       {"results", graph.nodes.back().meta.common["results"]}};
  return {};
}

}  // namespace jsc
