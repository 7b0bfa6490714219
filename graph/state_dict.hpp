// Everything a trained network consists of, by PyTorch's names ("seq_blocks.0.running_mean"), in module
// order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "graph/graph.hpp"

namespace jsc {

struct StateEntry {
  std::string name;
  std::vector<Index> shape;                  // {} for a scalar
  Index size = 0;                            // elements
  std::variant<float*, std::int64_t*> data;  // row-major, in the graph's own storage
  bool trained = false;                      // a parameter, not a buffer
};

std::vector<StateEntry> state_dict(const Graph& graph);

// 64-bit XXH3 over names, shapes and values: equal exactly when two networks hold the same bits. Sixteen hex
// digits.
std::string state_hash(const Graph& graph);

// Gives `to` the values that `from` has under the same names; `from` may have more. Throws Error naming the
// tensor that it lacks or has in another shape.
void copy_state(const Graph& from, const Graph& to);

}  // namespace jsc
