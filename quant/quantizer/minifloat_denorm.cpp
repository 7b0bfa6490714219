#include "quant/quantizer/minifloat_denorm.hpp"

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/mase_float.hpp"

namespace jsc {

namespace {

float mase_minifloat_denorm(float x, const Minifloat& format) {
  if (std::isnan(x)) return x;
  const float size = std::fabs(x), steps = std::ldexp(1.0F, format.fraction_bits());
  const int e = mase::ceil_log2(size + mase::kEpsilon, format.lowest_exponent(), format.highest_exponent());
  const float power = std::ldexp(1.0F, e);
  const float k = std::clamp(std::nearbyint(size / power * steps), 0.0F, steps - 1.0F);
  return mase::blend(x, mase::sign(x + mase::kEpsilon) * power * (k / steps));
}

}  // namespace

FloatGrid minifloat_denorm_grid(const Minifloat& format) {
  const int m = format.fraction_bits();
  return {m - 1, format.lowest_exponent() - 1,
          std::ldexp(1.0 - std::ldexp(1.0, -m), std::min(format.highest_exponent(), 128))};
}

MetaValue MinifloatDenormQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.exponent_width, format_.bias});
}

void MinifloatDenormQuantizer::quantize(ConstMatrix x, TensorKind, Matrix y) const {
  const FloatGrid grid = minifloat_denorm_grid(format_);
  if (mase_)
    quantize_each(x, y, [&](float v) { return mase_minifloat_denorm(v, format_); });
  else
    quantize_each(x, y, [&](float v) { return round_to_grid(v, grid); });
}

PassRange MinifloatDenormQuantizer::pass_range() const {
  const auto largest = static_cast<float>(minifloat_denorm_grid(format_).largest);
  return {-largest, largest};
}

}  // namespace jsc
