// The transforms that made a network out of the model it is named after, in order: with them a checkpoint can
// be loaded into a graph of the right structure.
#pragma once

#include "graph/graph.hpp"
#include "graph/metadata.hpp"

namespace jsc {

struct Transforms {
  MetaValue list = MetaValue::array();  // [{pass, options}, ...]

  void add(std::string_view pass, const MetaValue& options);
  // Runs them on the graph of the bare model. Throws Error for a pass that there is not.
  void replay(Graph& graph) const;
};

}  // namespace jsc
