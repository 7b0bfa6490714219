// What MASE calls a node (its metadata mase_type and mase_op).
#pragma once

#include <string_view>

#include "graph/graph.hpp"

namespace jsc {

// "linear", "batch_norm1d", "add", "placeholder", "output", ...
std::string_view mase_op(const Graph& graph, const Node& node);

// placeholder, output; module (no twin among torch's functions); module_related_func (a module with one, or
// that function); builtin_func (other functions of torch); implicit_func (needs no hardware of its own).
std::string_view mase_type(const Graph& graph, const Node& node);

}  // namespace jsc
