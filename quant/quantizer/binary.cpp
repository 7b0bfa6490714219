#include "quant/quantizer/binary.hpp"

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/slices.hpp"

namespace jsc {

void BinaryQuantizer::quantize(ConstMatrix x, TensorKind kind, Matrix y) const {
  for_each_slice(x, kind, y, [&](ConstMatrix from, Matrix to) {
    constexpr float kAll = -1.0F;
    const float high = bipolar_ ? 1.0F : mean_magnitude(from, kAll), low = bipolar_ ? -1.0F : 0.0F;
    quantize_each(from, to, [&](float v) {
      if (std::isnan(v)) return v;
      return (bipolar_ ? v >= 0.0F : v > 0.0F) ? high : low;
    });
  });
}

}  // namespace jsc
