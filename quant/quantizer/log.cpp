#include "quant/quantizer/log.hpp"

#include <algorithm>
#include <cmath>

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/mase_float.hpp"

namespace jsc {

float largest_log(const LogFormat& format) {
  return std::ldexp(1.0F, std::min(format.highest_exponent(), 127));
}

float round_to_log(float x, const LogFormat& format) {
  if (std::isnan(x) || x == 0.0F) return x;
  const float largest = largest_log(format);
  if (std::fabs(x) >= largest) return std::copysign(largest, x);
  int exponent;
  const double half =
      std::frexp(static_cast<double>(x), &exponent);  // x = half 2^exponent, 1/2 <= |half| < 1
  if (half * half < 0.5) --exponent;
  if (exponent <= -format.bias) return std::copysign(0.0F, x);
  return std::copysign(std::min(std::ldexp(1.0F, exponent), largest), x);
}

float mase_log(float x, const LogFormat& format) {
  if (std::isnan(x)) return x;
  const auto shift = static_cast<float>(0.1 * std::ldexp(1.0, -format.bias));
  const int e = mase::round_log2(std::fabs(x) + shift, -format.bias, format.highest_exponent());
  return mase::sign(x + shift) * std::ldexp(1.0F, e);
}

MetaValue LogQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.bias});
}

void LogQuantizer::quantize(ConstMatrix x, TensorKind, Matrix y) const {
  if (mase_)
    quantize_each(x, y, [&](float v) { return mase_log(v, format_); });
  else
    quantize_each(x, y, [&](float v) { return round_to_log(v, format_); });
}

PassRange LogQuantizer::pass_range() const {
  return {-largest_log(format_), largest_log(format_)};
}

}  // namespace jsc
