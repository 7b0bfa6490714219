#include "quant/quantizer/minifloat_ieee.hpp"

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/mase_float.hpp"

namespace jsc {

FloatGrid minifloat_ieee_grid(const Minifloat& format) {
  const int m = format.fraction_bits();
  return {m, format.lowest_exponent() + 1,
          std::ldexp(2.0 - std::ldexp(1.0, -m), format.highest_float_exponent())};
}

float mase_minifloat_ieee(float x, const Minifloat& format) {
  if (std::isnan(x)) return x;
  const float size = std::fabs(x), steps = std::ldexp(1.0F, format.fraction_bits());
  const int e = mase::floor_log2(size + mase::kEpsilon, format.lowest_exponent(), format.highest_exponent());
  const float power = std::ldexp(1.0F, e), mantissa = size / power;
  const auto clamped = [&](float k) { return std::clamp(std::nearbyint(k), 0.0F, steps - 1.0F); };
  const float value = e != format.lowest_exponent()
                          ? power * (1.0F + clamped(mantissa * steps - steps) / steps)
                          : power * (2.0F * clamped(mantissa * steps / 2.0F) / steps);
  return mase::blend(x, mase::sign(x + mase::kEpsilon) * value);
}

MetaValue MinifloatIeeeQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.exponent_width, format_.bias});
}

void MinifloatIeeeQuantizer::quantize(ConstMatrix x, TensorKind, Matrix y) const {
  const FloatGrid grid = minifloat_ieee_grid(format_);
  if (mase_)
    quantize_each(x, y, [&](float v) { return mase_minifloat_ieee(v, format_); });
  else
    quantize_each(x, y, [&](float v) { return round_to_grid(v, grid); });
}

PassRange MinifloatIeeeQuantizer::pass_range() const {
  const auto largest = static_cast<float>(minifloat_ieee_grid(format_).largest);
  return {-largest, largest};
}

}  // namespace jsc
