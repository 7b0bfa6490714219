// How one node is to be quantized: the `config` table of MASE's quantize pass, read and checked.
//
//   name = "integer"             the number format; null ("NA"): leave the node alone
//   data_in_width, data_in_frac_width, ...   the input's (both inputs' of add, sub, mul)
//   weight_*, bias_*             the parameters'; of batch_norm1d: its scale and offset; of matmul:
//                                weight_*, the right operand's
//   data_out_*                   optional: of the result
//   data_in_rounding, data_in_overflow, ...  optional: ap_fixed's modes (RND_CONV, SAT)
//   accum = "fixed<16,6>"        optional: format of the sums, with hls4ml's order of casts
//   ste = "clip" | "identity"    optional: gradient where a quantizer saturates
//   ranges = "fixed" | "learned" optional: whether training moves the binary points
//   batch_statistics = true      optional, batch_norm1d: of the batch in training, or frozen
//   bypass = true                optional: leave the node alone
//   compat = "mase"              optional: MASE's values where its formats are defective
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quant/fake_quantize.hpp"
#include "quant/fixed/format.hpp"

namespace jsc {

struct NodeQuantization {
  MetaValue config;  // as given, to be saved with the network
  std::string format;
  std::string class_suffix;                          // "Integer"
  QuantizerPointer data_in, weight, bias, data_out;  // null where there is none
  std::optional<fixed::Format> accumulator;
  Ste ste = Ste::clip;
  bool batch_statistics = true;
  bool learned_ranges = false;

  // True if every number of the node is fixed point, so that integers can do its work.
  bool fixed() const;
};

// The ops that can be quantized, by MASE's names.
bool is_quantizable(std::string_view op);

// Reads the table for a node of this op. None if the table says to leave the node alone. Throws Error naming
// `where`, the key, what was expected and what was found. ReLU's input is unsigned in fixed point, as in
// MASE.
std::optional<NodeQuantization> read_node_quantization(const MetaValue& config, std::string_view op,
                                                       bool has_bias, const std::string& where);

}  // namespace jsc
