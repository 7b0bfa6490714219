// The passes of this folder, one file each; pass_registry.cpp has their options and defaults.
#pragma once

#include <span>

#include "graph/passes/pass.hpp"

namespace jsc {

// quantize, summarize_quantization and the others, to stand beside graph_passes().
std::span<const Pass> quant_passes();

PassResult quantize(Graph& graph, const PassArguments& arguments);
PassResult calculate_avg_bits(Graph& graph, const PassArguments& arguments);
PassResult fold_batch_norm(Graph& graph, const PassArguments& arguments);

// What quantize (or any other transform) changed: MASE's compare table and histogram, with the formats. It
// needs the graph as it was, so it is no entry of the list; the program calls it after quantize.
PassResult summarize_quantization(const Graph& original, const Graph& graph);

}  // namespace jsc
