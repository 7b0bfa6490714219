// binary: one bit a number (Courbariaux et al., arXiv:1602.02830, 2016; scaled as in Rastegari et al., ECCV
// 2016).
//   bipolar      x >= 0 ? 1 : -1
//   otherwise    x > 0 ? a : 0,  a = mean |x| over the slice: a weight's row (one neuron), a whole bias, the
//                features of one sample
// Width 1. A tensor of width 32 stays as it is: MASE's binary layers quantize the weight alone, whatever the
// others' keys say, and so does compat = "mase". MASE cannot do the second form with these tensors (it needs
// four dimensions; Q-33).
//   stochastic   in training x > 0 and x >= 0 become u < p, p = clamp((x + 1)/2, 0, 1), u uniform on [0, 1)
//                (Courbariaux et al., section 1.1); evaluation is as above, where p >= 1/2
// MASE draws for the bipolar form alone.
#pragma once

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

class BinaryQuantizer final : public Quantizer {
 public:
  explicit BinaryQuantizer(bool bipolar, bool stochastic = false)
      : bipolar_(bipolar), stochastic_(stochastic) {}

  std::string_view name() const override { return "binary"; }
  MetaValue precision() const override { return MetaValue::array({1, stochastic_, bipolar_}); }
  int width() const override { return 1; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  bool stochastic() const override { return stochastic_; }
  void quantize_random(ConstMatrix x, TensorKind kind, Matrix y) const override;
  // Hard tanh's, for +-1; the other form has no range of its own.
  PassRange pass_range() const override { return bipolar_ ? PassRange{-1.0F, 1.0F} : PassRange{}; }

 private:
  bool bipolar_, stochastic_;
};

}  // namespace jsc
