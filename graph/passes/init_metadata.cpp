// init_metadata: every node and the graph get empty dictionaries common, software, hardware; what was there
// is forgotten.
#include "graph/passes/passes.hpp"

namespace jsc {

PassResult init_metadata(Graph& graph, const PassArguments&) {
  for (Node& node : graph.nodes) node.meta = {};
  graph.meta = {};
  return {};
}

}  // namespace jsc
