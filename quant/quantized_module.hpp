// What every quantized layer has: the formats of its tensors, and the quantizers that it sees them through.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "graph/module.hpp"
#include "quant/accumulate.hpp"
#include "quant/node_quantization.hpp"

namespace jsc {

// A tensor of a quantized layer, by the name that configurations and annotations give it.
struct TensorRole {
  const char* name;  // "weight"
  TensorKind kind;
  QuantizerPointer NodeQuantization::*quantizer;
};
inline constexpr TensorRole kDataIn{"data_in", TensorKind::activation, &NodeQuantization::data_in};
inline constexpr TensorRole kWeight{"weight", TensorKind::weight, &NodeQuantization::weight};
inline constexpr TensorRole kBias{"bias", TensorKind::bias, &NodeQuantization::bias};
inline constexpr TensorRole kDataOut{"data_out", TensorKind::activation, &NodeQuantization::data_out};
// alpha and beta of batch_norm1d
inline constexpr TensorRole kScale{"weight", TensorKind::bias, &NodeQuantization::weight};
inline constexpr TensorRole kOffset{"bias", TensorKind::bias, &NodeQuantization::bias};

class QuantizedModule : public Module {
 public:
  explicit QuantizedModule(NodeQuantization quantization) : quantization_(std::move(quantization)) {}
  // The formats in force. Learned ranges move while training does, and only then.
  const NodeQuantization& quantization() const;
  // What stood in its place: "Linear", "BatchNorm1d", "ReLU", or a function's name.
  virtual std::string float_type() const = 0;
  // The formats that meet in its sums; needs quantization().fixed().
  SumFormats sum_formats() const;
  // Throws Error naming `where` if the arithmetic cannot hold its sums, or what it passes on, exactly.
  virtual void check_sums(std::string_view where) const { static_cast<void>(where); }
  // Puts the thresholds of learned ranges where the formats are. Needs bound parameters.
  void reset_thresholds();

  NumberType number_type(std::string_view tensor) const override;
  std::uint64_t recording_key() const override;

 protected:
  // Adds a parameter TENSOR_log2_t for each tensor if ranges are learned; a constructor's last act.
  void add_thresholds();
  // Sees x as the formats show it. `label` is the tensor's name on the tape.
  Variable quantize(Tape& tape, Variable x, const TensorRole& role, const RecordContext& context,
                    std::string_view path, std::string_view label);
  Variable quantize_input(Tape& tape, Variable x, int which, const RecordContext& context,
                          std::string_view path);
  Variable quantize_output(Tape& tape, Variable y, const RecordContext& context, std::string_view path);
  // PyTorch's description of the float layer, under this one's type and with the formats.
  std::string with_formats(std::string description) const;

 private:
  void follow_thresholds() const;

  // Follows the thresholds when asked for. Quantizers that were in force once stay, for tapes refer to them.
  mutable NodeQuantization quantization_;
  mutable std::map<std::pair<std::string, int>, QuantizerPointer> known_;  // by tensor and integer bits
};

}  // namespace jsc
