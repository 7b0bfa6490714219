// Puts a graph onto a tape.
#pragma once

#include "graph/graph.hpp"

namespace jsc {

struct Recording {
  Variable input;                // [features][batch], to be filled by the caller
  Variable output;               // what the output node returns
  std::vector<Variable> values;  // of each node, by NodeId; {} of one that was fused into its successor
};

struct RecordOptions {
  std::uint64_t seed = 0;  // keys the random layers
  // Records a layer and the ReLU that alone reads it as one step, where the layer can (Module::fuses_relu),
  // and in evaluation without gradients a batch normalization between the two with them. Same bits; the
  // layer's own value is then not to be seen.
  bool fuse = false;
  Variable input{};  // recorded already, [features][batch]; {} for one that the caller fills
};

// Records one pass over `batch` samples. The graph must outlive the tape's recording, and its parameters must
// not be bound anew meanwhile.
Recording record(const Graph& graph, Tape& tape, Index batch, Mode mode, const RecordOptions& options = {});

// A recording holds as long as this stays the same.
std::uint64_t recording_key(const Graph& graph);

}  // namespace jsc
