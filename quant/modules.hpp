// The quantized layers: what quantize puts in the place of Linear, BatchNorm1d, ReLU, add, sub and mul. They
// keep the float parameters and buffers under the same names, see them through the quantizers in every
// forward pass, and compute on the quantized numbers exactly (quant/accumulate.hpp).
//
//   linear        y = Qw(W) Qx(x) + Qb(b)
//   batch_norm1d  y = Qw(alpha) Qx(x) + Qb(beta),  alpha = w / sqrt(var + eps),  beta = b - mean * alpha
//                 with the running statistics; in training with those of the batch (of Qx(x)), unless frozen
//   relu          y = max(Qx(x), 0)
//   add sub mul   y = Qx(a) + Qx(b), ...
// each followed by Qout where the configuration has data_out. Values are annotated on the tape as
// "PATH.data_in_0", "PATH.weight", "PATH.bias", "PATH.sum", "PATH.data_out_0".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graph/modules.hpp"
#include "quant/accumulate.hpp"
#include "quant/node_quantization.hpp"
#include "quant/pair_operation.hpp"
#include "quant/scale_shift.hpp"

namespace jsc {

class QuantizedModule : public Module {
 public:
  explicit QuantizedModule(NodeQuantization quantization) : quantization_(std::move(quantization)) {}
  const NodeQuantization& quantization() const { return quantization_; }
  // What stood in its place: "Linear", "BatchNorm1d", "ReLU", or a function's name.
  virtual std::string float_type() const = 0;
  // The formats that meet in its sums; needs quantization().fixed().
  SumFormats sum_formats() const;
  // Throws Error naming `where` if the arithmetic cannot hold its sums exactly.
  virtual void check_sums(std::string_view where) const { static_cast<void>(where); }

 protected:
  Variable quantize_input(Tape& tape, Variable x, int which, std::string_view path) const;
  Variable quantize_output(Tape& tape, Variable y, std::string_view path) const;

  NodeQuantization quantization_;
};

class QuantizedLinear final : public QuantizedModule {
 public:
  QuantizedLinear(Index in, Index out, bool bias, NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return "linear"; }
  std::string float_type() const override { return "Linear"; }
  void check_sums(std::string_view where) const override;
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream stream) override;
  Index in() const { return in_; }
  Index out() const { return out_; }

 private:
  Index in_, out_;
  std::string type_;
};

class QuantizedBatchNorm1d final : public QuantizedModule {
 public:
  // As BatchNorm1d's constructor, and with the buffers of the layer that it replaces.
  QuantizedBatchNorm1d(Index features, double eps, double momentum, bool affine, std::vector<Buffer> buffers,
                       NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return "batch_norm1d"; }
  std::string float_type() const override { return "BatchNorm1d"; }
  void check_sums(std::string_view where) const override;
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream stream) override;

  Index features() const { return features_; }
  double eps() const { return eps_; }
  double momentum() const { return momentum_; }
  bool affine() const { return affine_; }
  // alpha and beta of the running statistics, unquantized, [features] each. The same floats as in record().
  std::pair<std::vector<float>, std::vector<float>> constants() const;

 private:
  Index features_;
  double eps_, momentum_;
  bool affine_;
  std::string type_;
};

class QuantizedReLU final : public QuantizedModule {
 public:
  explicit QuantizedReLU(NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return "relu"; }
  std::string float_type() const override { return "ReLU"; }
  std::string describe() const override { return type_ + "()"; }
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;

 private:
  std::string type_;
};

// add, sub or mul of two activations of one shape, both under data_in's settings.
class QuantizedPair final : public QuantizedModule {
 public:
  QuantizedPair(PairOperation operation, NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return pair_operation_name(operation_); }
  std::string float_type() const override { return std::string(op()); }
  void check_sums(std::string_view where) const override;
  std::string describe() const override { return type_ + "()"; }
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  PairOperation operation() const { return operation_; }

 private:
  PairOperation operation_;
  std::string type_;
};

}  // namespace jsc
