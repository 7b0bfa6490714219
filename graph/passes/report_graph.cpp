// report_graph: the graph as torch.fx prints it, the number of nodes of each kind, and the layers in order.
#include "graph/edit.hpp"
#include "graph/functions.hpp"
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

// "(%x,)" or "(%a, %b)": a Python tuple of node names.
std::string operands(const Graph& graph, const Node& node) {
  std::string text;
  for (NodeId input : node.inputs)
    text += (text.empty() ? "%" : ", %") + graph.nodes[static_cast<std::size_t>(input)].name;
  return "(" + text + (node.inputs.size() == 1 ? ",)" : ")");
}

std::string line_of(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[static_cast<std::size_t>(id)];
  if (node.kind == NodeKind::output) return "return " + graph.result().name;
  const std::string target(node.kind == NodeKind::call_function ? find_function(node.target).fx_target
                                                                : node.target);
  std::string head = fmt::format("%{} : [num_users={}] = {}[target={}]", node.name, users(graph, id).size(),
                                 node_kind_name(node.kind), target);
  if (node.kind == NodeKind::placeholder || node.kind == NodeKind::get_attr) return head;
  return fmt::format("{}(args = {}, kwargs = {{}})", head, operands(graph, node));
}

}  // namespace

PassResult report_graph(Graph& graph, const PassArguments&) {
  PassResult result;
  MetaValue counts = MetaValue::object();
  for (const NodeKind kind : {NodeKind::placeholder, NodeKind::get_attr, NodeKind::call_function,
                              NodeKind::call_method, NodeKind::call_module, NodeKind::output})
    counts[std::string(node_kind_name(kind))] = 0;

  std::string layers, overview;
  MetaValue layer_list = MetaValue::array();
  result.text = "graph():\n";
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    result.text += "    " + line_of(graph, static_cast<NodeId>(i)) + "\n";
    MetaValue& count = counts[std::string(node_kind_name(node.kind))];
    count = count.get<int>() + 1;
    if (node.kind != NodeKind::call_module) continue;
    const std::string layer = graph.find_module(node.target)->describe();
    layers += (layers.empty() ? "" : ", ") + layer;
    layer_list.push_back(layer);
  }
  for (const auto& [kind, count] : counts.items())
    overview += fmt::format("{}'{}': {}", overview.empty() ? "" : ", ", kind, count.get<int>());
  result.text += fmt::format("Network overview:\n{{{}}}\nLayer types:\n[{}]\n", overview, layers);
  result.info = {{"counts", counts}, {"layers", layer_list}};
  return result;
}

}  // namespace jsc
