// The passes of this folder, one file each; pass_registry.cpp has their options and defaults.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/passes/pass.hpp"

namespace jsc {

// quantize, summarize_quantization and the others, to stand beside graph_passes().
std::span<const Pass> quant_passes();

PassResult quantize(Graph& graph, const PassArguments& arguments);
PassResult calibrate(Graph& graph, const PassArguments& arguments);
PassResult calculate_avg_bits(Graph& graph, const PassArguments& arguments);
PassResult fold_batch_norm(Graph& graph, const PassArguments& arguments);

// What the nodes of a graph compute with, to be compared after a transform.
struct NodeSummary {
  std::string name, mase_type, op, type;
  MetaValue config;  // of a quantized node, else null
};
std::vector<NodeSummary> summarize_nodes(const Graph& graph);

// What changed since: MASE's compare table and histogram, and what the quantized parameters look like.
std::vector<ReportTable> compare_nodes(const std::vector<NodeSummary>& before, const Graph& graph);

// The same against the float network of the same layers.
PassResult summarize_quantization(Graph& graph, const PassArguments& arguments);

}  // namespace jsc
