// binary: one bit a number (Courbariaux et al., arXiv:1602.02830, 2016; scaled as in Rastegari et al., ECCV
// 2016).
//   bipolar      x >= 0 ? 1 : -1
//   otherwise    x > 0 ? a : 0,  a = mean |x| over the slice: a weight's row (one neuron), a whole bias, the
//                features of one sample
// Width 1. A tensor of width 32 stays as it is: MASE's binary layers quantize the weight alone, whatever the
// others' keys say, and so does compat = "mase". MASE cannot do the second form with these tensors (it needs
// four dimensions; Q-33). Stochastic binarization is not supported: it needs random numbers, and a quantizer
// is a function of its input.
#pragma once

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

class BinaryQuantizer final : public Quantizer {
 public:
  explicit BinaryQuantizer(bool bipolar) : bipolar_(bipolar) {}

  std::string_view name() const override { return "binary"; }
  MetaValue precision() const override { return MetaValue::array({1, false, bipolar_}); }
  int width() const override { return 1; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  // Hard tanh's, for +-1; the other form has no range of its own.
  PassRange pass_range() const override { return bipolar_ ? PassRange{-1.0F, 1.0F} : PassRange{}; }

 private:
  bool bipolar_;
};

}  // namespace jsc
