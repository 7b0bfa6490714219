// The layers, each with PyTorch's name, arguments, defaults and state-dict keys.
#pragma once

#include "graph/module.hpp"
#include "ops/batch_norm.hpp"

namespace jsc {

class Linear final : public Module {
 public:
  Linear(Index in, Index out, bool bias = true);
  std::string_view type() const override { return "Linear"; }
  std::string_view op() const override { return "linear"; }
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  bool fuses_relu() const override { return true; }
  bool fuses_batch_norm() const override { return true; }
  void initialize(RandomStream stream) override;
  Index in() const { return in_; }
  Index out() const { return out_; }

 private:
  Index in_, out_;
};

// A matrix [in][out] that a get_attr node fetches for matmul: y = x W, as torch.matmul(x, W) of row samples.
class Weight final : public Module {
 public:
  Weight(Index in, Index out);
  std::string_view type() const override { return "Parameter"; }
  std::string_view op() const override { return "constant"; }
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view path) override;
  void initialize(RandomStream stream) override;
};

class BatchNorm1d final : public Module {
 public:
  explicit BatchNorm1d(Index features, double eps = 1e-5, double momentum = 0.1, bool affine = true);
  std::string_view type() const override { return "BatchNorm1d"; }
  std::string_view op() const override { return "batch_norm1d"; }
  std::string describe() const override;
  Index output_features(std::span<const Index> inputs) const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view path) override;
  bool fuses_relu() const override { return true; }
  void initialize(RandomStream stream) override;
  // Its parameters as variables of the tape, with its running statistics.
  BatchNormLayer on_tape(Tape& tape, std::string_view path);
  Index features() const { return features_; }
  double eps() const { return eps_; }
  double momentum() const { return momentum_; }
  bool affine() const { return affine_; }

 private:
  Index features_;
  double eps_, momentum_;
  bool affine_;
};

// A function of each element, or of each sample alone: the output has the input's shape and there are no
// parameters.
class Activation : public Module {
 public:
  Index output_features(std::span<const Index> inputs) const override;
};

class ReLU final : public Activation {
 public:
  // `inplace` is printed as PyTorch does; values are never overwritten here.
  explicit ReLU(bool inplace = false) : inplace_(inplace) {}
  std::string_view type() const override { return "ReLU"; }
  std::string_view op() const override { return "relu"; }
  std::string describe() const override { return inplace_ ? "ReLU(inplace=True)" : "ReLU()"; }
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;

 private:
  bool inplace_;
};

class LeakyReLU final : public Activation {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  std::string_view type() const override { return "LeakyReLU"; }
  std::string_view op() const override { return "leaky_relu"; }
  std::string describe() const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;

 private:
  double negative_slope_;
};

class Hardtanh final : public Activation {
 public:
  // Throws Error unless min < max.
  explicit Hardtanh(double min = -1.0, double max = 1.0);
  std::string_view type() const override { return "Hardtanh"; }
  std::string_view op() const override { return "hardtanh"; }
  std::string describe() const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;

 private:
  double min_, max_;
};

class Sigmoid final : public Activation {
 public:
  std::string_view type() const override { return "Sigmoid"; }
  std::string_view op() const override { return "sigmoid"; }
  std::string describe() const override { return "Sigmoid()"; }
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;
};

class Tanh final : public Activation {
 public:
  std::string_view type() const override { return "Tanh"; }
  std::string_view op() const override { return "tanh"; }
  std::string describe() const override { return "Tanh()"; }
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;
};

// Over the features of each sample.
class Softmax final : public Activation {
 public:
  std::string_view type() const override { return "Softmax"; }
  std::string_view op() const override { return "softmax"; }
  std::string describe() const override { return "Softmax(dim=1)"; }
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext&,
                  std::string_view) override;
};

class Dropout final : public Activation {
 public:
  // Throws Error unless 0 <= p < 1.
  explicit Dropout(double p = 0.5);
  std::string_view type() const override { return "Dropout"; }
  std::string_view op() const override { return "dropout"; }
  std::string describe() const override;
  Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                  std::string_view) override;

 private:
  double p_;
};

}  // namespace jsc
