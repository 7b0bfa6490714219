// Puts a graph onto a tape.
#pragma once

#include "graph/graph.hpp"

namespace jsc {

struct Recording {
  Variable input;                // [features][batch], to be filled by the caller
  Variable output;               // what the output node returns
  std::vector<Variable> values;  // of each node, by NodeId
};

// Records one pass over `batch` samples. The graph must outlive the tape's recording, and its parameters must
// not be bound anew meanwhile. `seed` keys the random layers.
Recording record(const Graph& graph, Tape& tape, Index batch, Mode mode, std::uint64_t seed = 0);

}  // namespace jsc
