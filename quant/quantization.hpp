// Quantizing a graph, and saying how a graph is quantized.
#pragma once

#include <memory>
#include <string>

#include "graph/graph.hpp"
#include "quant/modules.hpp"

namespace jsc {

// Puts the quantized layer in the place of what the node calls: same name, same parameters and buffers. A
// function node (add, sub, mul, matmul, relu) becomes a call of a module at the node's name. A quantized node
// is quantized anew. The node's metadata, where it has any, gets type and precision. Throws Error if the
// node's op cannot be quantized. Other nodes that call its module call the quantized one from then on.
void quantize_node(Graph& graph, NodeId node, const NodeQuantization& quantization);

// The quantized layer that the node calls; null if it is not one.
const QuantizedModule* quantized_module(const Graph& graph, const Node& node);

// The configuration that quantizes a float graph of the same nodes as this one is: {by: "name", NODE:
// {config:
// {...}}}; empty if no node is quantized. What a checkpoint keeps.
MetaValue quantization_of(const Graph& graph);

}  // namespace jsc
