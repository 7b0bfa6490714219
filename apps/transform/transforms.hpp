// The transforms that made a network out of the model it is named after, in order: with them a checkpoint can
// be loaded into a graph of the right structure.
#pragma once

#include "graph/graph.hpp"
#include "graph/metadata.hpp"

namespace jsc {

struct Transforms {
  MetaValue list = MetaValue::array();  // [{pass, options}, ...]

  // `graph` is what came out. How it is quantized is kept as it turned out, node by node, whichever passes
  // decided it: calibration is not repeated.
  void add(std::string_view pass, const MetaValue& options, const Graph& graph);
  // Runs them on the graph of the bare model. Throws Error for a pass that there is not.
  void replay(Graph& graph) const;
};

}  // namespace jsc
