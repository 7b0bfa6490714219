// minifloat_ieee: an exponent e of E bits, biased by b, and m = width - E - 1 bits of fraction k, with
// subnormal numbers as in IEEE 754 and the OCP 8-bit formats, but with the highest exponent for numbers too
// (mase-spec.md 6.2).
//   e > -b:  2^e (1 + k/2^m)        e = -b (field 0):  2^(1-b) k/2^m        e = -b .. 2^E - 1 - b
// Q(x) is the nearest, ties to even; beyond the largest, 2^(2^E-1-b) (2 - 2^-m), it saturates. float32 has
// no exponent above 127, and so neither has the result.
//
// compat = "mase": the fraction does not carry (1.96 gives 1.875), |x| <= 1e-8 passes through, infinities
// give NaN, and the exponent is that of float32's log2.
#pragma once

#include "quant/quantizer/float_grid.hpp"
#include "quant/quantizer/minifloat.hpp"
#include "quant/quantizer/quantizer.hpp"

namespace jsc {

FloatGrid minifloat_ieee_grid(const Minifloat& format);
float mase_minifloat_ieee(float x, const Minifloat& format);

class MinifloatIeeeQuantizer final : public Quantizer {
 public:
  MinifloatIeeeQuantizer(const Minifloat& format, bool mase) : format_(format), mase_(mase) {}

  std::string_view name() const override { return "minifloat_ieee"; }
  MetaValue precision() const override;
  int width() const override { return format_.width; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  PassRange pass_range() const override;

 private:
  Minifloat format_;
  bool mase_;
};

}  // namespace jsc
