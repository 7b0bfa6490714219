// Fixed point, which MASE calls "integer" (or "fixed"): width w, frac_width f, signed or not.
//   Q(x) = overflow(round(x * 2^f)) * 2^-f
// MASE rounds half to even and saturates (mase-spec.md 6.1); the other modes of ap_fixed are options.
#pragma once

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

class FixedQuantizer final : public Quantizer {
 public:
  // Throws Error for a format that the arithmetic does not have.
  explicit FixedQuantizer(fixed::Format format, std::string_view name = "integer");

  std::string_view name() const override { return name_; }
  MetaValue precision() const override;
  int width() const override { return format_.width; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  PassRange pass_range() const override;
  const fixed::Format* fixed_format() const override { return &format_; }

 private:
  fixed::Format format_;
  std::string_view name_;
};

// Q of one number, by the definition in quant/fixed; NaN stays NaN. The normative form of
// FixedQuantizer::quantize. The result is rounded to float32 where the format holds more than 24 bits.
float quantize_fixed(float x, const fixed::Format& format);

// raw[r][c] = the integer whose value Q(x[r][c]) is; NaN gives 0. raw has x's rows and `stride`. T is int32
// or int64 and holds the format.
template <class T>
void quantize_to_raw(ConstMatrix x, const fixed::Format& format, T* raw, Index stride);

}  // namespace jsc
