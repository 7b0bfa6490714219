// The parameters of a quantized graph as its layers see them: what shows that weights are really quantized.
#pragma once

#include <string>
#include <vector>

#include "quant/quantization.hpp"

namespace jsc {

struct QuantizedTensor {
  std::string name;  // "seq_blocks_2.weight"; of batch_norm1d the scale is the weight, the offset the bias
  std::vector<Index> shape;
  std::vector<float> values;     // before
  std::vector<float> quantized;  // after
  QuantizerPointer quantizer;

  // "fixed<8,4,RND_CONV,SAT>", or "log[8, 63]" for the other formats.
  std::string format() const;
  // Share of the values that lie beyond the largest numbers of the format.
  double saturated_share() const;
  // The integers of fixed-point tensors; empty for the others.
  std::vector<std::int64_t> raw() const;
};

// Weights and biases of all quantized nodes, in node order. Of batch_norm1d those of the running statistics.
std::vector<QuantizedTensor> quantized_tensors(const Graph& graph);

}  // namespace jsc
