#include "quant/quantizer/block_minifloat.hpp"

#include <algorithm>
#include <cmath>

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/mase_float.hpp"
#include "quant/quantizer/minifloat_ieee.hpp"

namespace jsc {

void BlockMinifloatQuantizer::quantize_block(float maximum, ConstMatrix x, Matrix y) const {
  const int highest = (1 << format_.exponent_width) - 1, highest_bias = (1 << format_.bias_width) - 1;
  Minifloat shared{format_.width, format_.exponent_width, 0};
  if (mase()) {
    shared.bias = mase::floor_log2(maximum, 0, highest_bias);
    quantize_each(x, y, [&](float v) { return mase_minifloat_ieee(v, shared); });
  } else {
    shared.bias = std::clamp(highest - std::ilogb(maximum), 0, highest_bias);
    const FloatGrid grid = minifloat_ieee_grid(shared);
    quantize_each(x, y, [&](float v) { return round_to_grid(v, grid); });
  }
}

MetaValue BlockMinifloatQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.exponent_width, format_.bias_width, block_size()});
}

// That of bias 0, which blocks of large numbers get.
PassRange BlockMinifloatQuantizer::pass_range() const {
  const auto largest =
      static_cast<float>(minifloat_ieee_grid({format_.width, format_.exponent_width, 0}).largest);
  return {-largest, largest};
}

}  // namespace jsc
