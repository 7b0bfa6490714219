// From a quantized graph to an integer network that computes the same numbers.
#pragma once

#include "graph/graph.hpp"
#include "quant/integer/program.hpp"

namespace jsc {

// Every node must be quantized to fixed point (Dropout, which does nothing in evaluation, aside). Sums are
// exact in registers that range analysis sizes neuron by neuron, or as `accum` says. Throws Error naming the
// node that is still float, or whose sums no 63 bits hold.
IntegerProgram lower(const Graph& graph);

}  // namespace jsc
