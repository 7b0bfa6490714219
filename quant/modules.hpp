// The quantized layers: what quantize puts in the place of Linear, BatchNorm1d, ReLU, add, sub, mul and
// matmul. They keep the float parameters and buffers under the same names, see them through the quantizers in
// every forward pass, and compute on the quantized numbers exactly (quant/accumulate.hpp).
//
//   linear        y = Qw(W) Qx(x) + Qb(b)
//   batch_norm1d  y = Qw(alpha) Qx(x) + Qb(beta),  alpha = w / sqrt(var + eps),  beta = b - mean * alpha
//                 with the running statistics; in training with those of the batch (of Qx(x)), unless frozen
//   relu          y = max(Qx(x), 0)
//   add sub mul   y = Qx(a) + Qx(b), ...
//   matmul        y = Qw(W)ᵀ Qx(x), W [in][out] of the node that fetches it
// each followed by Qout where the configuration has data_out. Values are annotated on the tape as
// "PATH.data_in_0", "PATH.weight", "PATH.bias", "PATH.sum", "PATH.data_out_0".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graph/modules.hpp"
#include "quant/pair_operation.hpp"
#include "quant/quantized_module.hpp"
#include "quant/scale_shift.hpp"

namespace jsc {

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
  bool has_bias() const { return bias_; }

 private:
  Index in_, out_;
  bool bias_;
  std::string type_;
};

// The weight [in][out] is the second input: the parameter that a get_attr node fetches.
class QuantizedMatmul final : public QuantizedModule {
 public:
  QuantizedMatmul(Index in, Index out, NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return "matmul"; }
  std::string float_type() const override { return "matmul"; }
  void check_sums(std::string_view where) const override;
  std::string describe() const override { return with_formats(type_ + "()"); }
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream) override { reset_thresholds(); }
  NumberType number_type(std::string_view tensor) const override;
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
  void check_sums(std::string_view where) const override;
  std::string describe() const override { return type_ + "()"; }
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream) override { reset_thresholds(); }

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
  void initialize(RandomStream) override { reset_thresholds(); }
  PairOperation operation() const { return operation_; }

 private:
  PairOperation operation_;
  std::string type_;
};

}  // namespace jsc
