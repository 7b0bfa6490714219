// A linear layer and the batch normalization behind it as one layer that trains: what fold_batch_norm with
// `train = true` makes of the two, and what quantize makes of that.
//   y = W' x + b',  W' = diag(alpha) W,  b' = alpha b + beta                                     (fold.hpp)
//   y = Qw(W') Qx(x) + Qb(b')                                                          quantized
// alpha and beta come from the running statistics, in training from those of W x + b over the batch, so that
// the folded weights are what is trained, quantized and lowered, to one dense step. `weight` and `bias` are
// the linear layer's, `norm.weight`, `norm.bias` and the buffers `norm.*` the normalization's.
#pragma once

#include <vector>

#include "quant/quantized_module.hpp"

namespace jsc {

struct LinearBatchNormShape {
  Index in = 0, out = 0;
  bool bias = true;
  double eps = 1e-5, momentum = 0.1;
  bool affine = true;
};

// The parameters and buffers, with starting values for the latter.
std::vector<Parameter> linear_batch_norm_parameters(const LinearBatchNormShape& shape);
std::vector<Buffer> linear_batch_norm_buffers(const LinearBatchNormShape& shape);
void initialize_linear_batch_norm(const LinearBatchNormShape& shape, RandomStream stream, Module& module);

struct FoldedValues {
  std::vector<float> weight, bias;  // [out][in], [out]
};
// W' and b' of the running statistics: the same floats as in record().
FoldedValues folded_values(const LinearBatchNormShape& shape, const Module& module);

class LinearBatchNorm1d final : public Module {
 public:
  explicit LinearBatchNorm1d(const LinearBatchNormShape& shape);
  std::string_view type() const override { return "LinearBatchNorm1d"; }
  std::string_view op() const override { return "linear"; }
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream stream) override { initialize_linear_batch_norm(shape_, stream, *this); }
  const LinearBatchNormShape& shape() const { return shape_; }

 private:
  LinearBatchNormShape shape_;
};

class QuantizedLinearBatchNorm1d final : public QuantizedModule {
 public:
  // `buffers` are those of the layer that it replaces.
  QuantizedLinearBatchNorm1d(const LinearBatchNormShape& shape, std::vector<Buffer> buffers,
                             NodeQuantization quantization);
  std::string_view type() const override { return type_; }
  std::string_view op() const override { return "linear"; }
  std::string float_type() const override { return "LinearBatchNorm1d"; }
  void check_sums(std::string_view where) const override;
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  void initialize(RandomStream stream) override;
  const LinearBatchNormShape& shape() const { return shape_; }

 private:
  LinearBatchNormShape shape_;
  std::string type_;
};

}  // namespace jsc
