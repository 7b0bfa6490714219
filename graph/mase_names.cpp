#include "graph/mase_names.hpp"

namespace jsc {

std::string_view mase_op(const Graph& graph, const Node& node) {
  switch (node.kind) {
    case NodeKind::placeholder:
      return "placeholder";
    case NodeKind::output:
      return "output";
    case NodeKind::call_module:
      return graph.find_module(node.target)->op();
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
      return op == "batch_norm1d" ? "module" : "module_related_func";
    default:
      break;
  }
  if (op == "add" || op == "sub" || op == "mul" || op == "matmul") return "builtin_func";
  return op == "relu" ? "module_related_func" : "implicit_func";
}

}  // namespace jsc
