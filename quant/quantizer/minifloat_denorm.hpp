// minifloat_denorm: an exponent e of E bits, biased by b, and m = width - E - 1 bits of mantissa k without an
// implicit one (mase-spec.md 6.3).
//   2^e k/2^m,  e = -b .. 2^E - 1 - b,  k = 0 .. 2^m - 1
// Most numbers have several codes. Q(x) is the nearest number, ties to the even k of the smallest exponent;
// beyond the largest, 2^(2^E-1-b) (1 - 2^-m), it saturates. These are the numbers of an IEEE minifloat of
// m - 1 bits of fraction whose normal exponents begin at -b - 1. float32 has no exponent above 127.
//
// compat = "mase": k does not carry (powers of two come out low: 1 gives 0.875 with 8, 4, 7), |x| <= 1e-8
// passes through, infinities give NaN, and the exponent is that of float32's log2.
#pragma once

#include "quant/quantizer/float_grid.hpp"
#include "quant/quantizer/minifloat.hpp"
#include "quant/quantizer/quantizer.hpp"

namespace jsc {

// The format has one bit of mantissa or more.
FloatGrid minifloat_denorm_grid(const Minifloat& format);

class MinifloatDenormQuantizer final : public Quantizer {
 public:
  MinifloatDenormQuantizer(const Minifloat& format, bool mase) : format_(format), mase_(mase) {}

  std::string_view name() const override { return "minifloat_denorm"; }
  MetaValue precision() const override;
  int width() const override { return format_.width; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  PassRange pass_range() const override;

 private:
  Minifloat format_;
  bool mase_;
};

}  // namespace jsc
