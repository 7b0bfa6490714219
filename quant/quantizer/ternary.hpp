// ternary: -1, 0 or 1, or -a, 0 or a (Li, Zhang and Liu, Ternary Weight Networks, arXiv:1605.04711, 2016;
// mase-spec.md 6.9).
//   x < -d: -a,  x > d: a,  else 0
//   d = 0.75 mean, or 0.05 max, or 0.75 median, of the first of those that the configuration gives; with none
//   given 0.75 mean |x| over the slice, Li's result for normal weights
//   a = 1, or with scaling_factor mean |x| over the numbers of |x| > d of the slice
// A slice is a weight's row (one neuron), a whole bias, the features of one sample. Width 2; a tensor of
// width 32 stays as it is, as with binary. MASE ignores the statistics and cannot do these tensors at all
// (it needs four dimensions; Q-33), so compat = "mase" is an Error for a weight.
#pragma once

#include <optional>

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

struct TernaryOptions {
  bool scaled = false;
  std::optional<double> mean, median, max;  // of |x|, over the tensor
};

class TernaryQuantizer final : public Quantizer {
 public:
  explicit TernaryQuantizer(const TernaryOptions& options) : options_(options) {}

  std::string_view name() const override { return "ternary"; }
  MetaValue precision() const override;
  int width() const override { return 2; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  PassRange pass_range() const override { return options_.scaled ? PassRange{} : PassRange{-1.0F, 1.0F}; }

 private:
  float threshold(ConstMatrix slice) const;
  TernaryOptions options_;
};

}  // namespace jsc
