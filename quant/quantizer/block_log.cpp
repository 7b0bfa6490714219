#include "quant/quantizer/block_log.hpp"

#include <algorithm>
#include <cmath>

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/log.hpp"
#include "quant/quantizer/mase_float.hpp"

namespace jsc {

namespace {

int exact_ceil_log2(float x) {
  int exponent;
  return std::frexp(x, &exponent) == 0.5F ? exponent - 1 : exponent;
}

}  // namespace

void BlockLogQuantizer::quantize_block(float maximum, ConstMatrix x, Matrix y) const {
  const int highest = (1 << (width() - 1)) - 1, highest_bias = (1 << bias_width_) - 1;
  LogFormat shared{width(), 0};
  if (mase()) {
    shared.bias = std::clamp(highest - mase::ceil_log2(maximum, -1000, 1000), 0, highest_bias);
    quantize_each(x, y, [&](float v) { return mase_log(v, shared); });
  } else {
    shared.bias = std::clamp(highest - exact_ceil_log2(maximum), 0, highest_bias);
    quantize_each(x, y, [&](float v) { return round_to_log(v, shared); });
  }
}

MetaValue BlockLogQuantizer::precision() const {
  return MetaValue::array({width(), bias_width_, block_size()});
}

// That of bias 0, which blocks of large numbers get.
PassRange BlockLogQuantizer::pass_range() const {
  const float largest = largest_log({width(), 0});
  return {-largest, largest};
}

}  // namespace jsc
