// draw_graph: the graph in Graphviz's language: a box a node with its name, its layer and the features it
// yields (of a fetched parameter its shape).
#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

std::string dot_string(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

const char* shape_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::placeholder:
    case NodeKind::output:
      return "ellipse";
    case NodeKind::call_function:
    case NodeKind::call_method:
      return "diamond";
    default:
      return "box";
  }
}

}  // namespace

PassResult draw_graph(Graph& graph, const PassArguments&) {
  PassResult result;
  result.dot =
      "digraph network {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=11];\n  edge "
      "[fontname=\"Helvetica\", fontsize=9];\n";
  for (const Node& node : graph.nodes) {
    std::string label = node.name;
    if (const Module* module = graph.module_of(node)) label += "\\n" + module->describe();
    std::string text = dot_string(label);
    // \n is Graphviz's own line break and must stay.
    for (std::size_t at = text.find("\\\\n"); at != std::string::npos; at = text.find("\\\\n", at))
      text.replace(at, 3, "\\n");
    result.dot +=
        fmt::format("  {} [label={}, shape={}];\n", dot_string(node.name), text, shape_of(node.kind));
  }
  for (const Node& node : graph.nodes)
    for (NodeId input : node.inputs) {
      const Node& source = graph.nodes[static_cast<std::size_t>(input)];
      const Parameter* parameter = graph.parameter_of(source);
      const std::string yields = parameter != nullptr
                                     ? fmt::format("{} x {}", parameter->rows(), parameter->cols())
                                     : std::to_string(source.features);
      result.dot += fmt::format("  {} -> {} [label=\" {}\"];\n", dot_string(source.name),
                                dot_string(node.name), yields);
    }
  result.dot += "}\n";
  return result;
}

}  // namespace jsc
