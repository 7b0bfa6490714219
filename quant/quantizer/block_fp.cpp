#include "quant/quantizer/block_fp.hpp"

#include <algorithm>
#include <cmath>

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/mase_float.hpp"

namespace jsc {

namespace {

// (2^m - 1) 2^(e-m)
double largest_mantissa(int mantissa_bits, int exponent) {
  return std::ldexp(1.0 - std::ldexp(1.0, -mantissa_bits), exponent);
}

float round_to_block(float x, int exponent, int mantissa_bits) {
  if (std::isnan(x)) return x;
  const double size = std::fabs(static_cast<double>(x));
  const double k = std::nearbyint(std::ldexp(size, mantissa_bits - exponent));
  const double value =
      std::min(std::ldexp(k, exponent - mantissa_bits), largest_mantissa(mantissa_bits, exponent));
  return std::copysign(static_cast<float>(value), x);
}

float mase_block(float x, int exponent, int mantissa_bits) {
  if (std::isnan(x)) return x;
  const float power = std::ldexp(1.0F, exponent), steps = std::ldexp(1.0F, mantissa_bits);
  const float k =
      std::clamp(std::nearbyint((std::fabs(x) + mase::kEpsilon) / power * steps), 0.0F, steps - 1.0F);
  return mase::blend(x, mase::sign(x + mase::kEpsilon) * power * (k / steps));
}

}  // namespace

void BlockFpQuantizer::quantize_block(float maximum, ConstMatrix x, Matrix y) const {
  const int m = format_.mantissa_bits(), lo = -format_.bias, hi = format_.highest_exponent();
  if (mase()) {
    const int e = mase::ceil_log2(maximum, lo, hi);
    quantize_each(x, y, [&](float v) { return mase_block(v, e, m); });
  } else {
    const int e = std::clamp(std::ilogb(maximum) + 1, lo, hi);
    quantize_each(x, y, [&](float v) { return round_to_block(v, e, m); });
  }
}

MetaValue BlockFpQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.exponent_width, format_.bias, block_size()});
}

PassRange BlockFpQuantizer::pass_range() const {
  const auto largest = static_cast<float>(
      largest_mantissa(format_.mantissa_bits(), std::min(format_.highest_exponent(), 128)));
  return {-largest, largest};
}

}  // namespace jsc
