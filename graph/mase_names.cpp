#include "graph/mase_names.hpp"

namespace jsc {

std::string_view mase_op(const Graph& graph, const Node& node) {
  switch (node.kind) {
    case NodeKind::placeholder:
      return "placeholder";
    case NodeKind::output:
      return "output";
    case NodeKind::call_module:
    case NodeKind::get_attr:
      return graph.module_of(node)->op();
    default:
      return node.target;
  }
}

std::string_view mase_type(const Graph& graph, const Node& node) {
  const std::string_view op = mase_op(graph, node);
  switch (node.kind) {
    case NodeKind::placeholder:
    case NodeKind::output:
      return op;
    case NodeKind::call_module:
      if (op == "batch_norm1d") return "module";
      break;
    default:
      break;
  }
  if (op == "add" || op == "sub" || op == "mul" || op == "matmul") return "builtin_func";  // quantized, too
  return op == "relu" || node.kind == NodeKind::call_module ? "module_related_func" : "implicit_func";
}

}  // namespace jsc
