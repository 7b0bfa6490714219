#include "quant/quantizer/ternary.hpp"

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/slices.hpp"

namespace jsc {

float TernaryQuantizer::threshold(ConstMatrix slice) const {
  constexpr float kAll = -1.0F;
  if (options_.mean) return static_cast<float>(0.75 * *options_.mean);
  if (options_.max) return static_cast<float>(0.05 * *options_.max);
  if (options_.median) return static_cast<float>(0.75 * *options_.median);
  return 0.75F * mean_magnitude(slice, kAll);
}

void TernaryQuantizer::quantize(ConstMatrix x, TensorKind kind, Matrix y) const {
  for_each_slice(x, kind, y, [&](ConstMatrix from, Matrix to) {
    const float d = threshold(from), a = options_.scaled ? mean_magnitude(from, d) : 1.0F;
    quantize_each(from, to, [&](float v) {
      if (std::isnan(v)) return v;
      return v > d ? a : v < -d ? -a : 0.0F;
    });
  });
}

MetaValue TernaryQuantizer::precision() const {
  const auto given = [](const std::optional<double>& number) {
    return number ? MetaValue(*number) : MetaValue(nullptr);
  };
  return MetaValue::array(
      {2, options_.scaled, given(options_.mean), given(options_.median), given(options_.max)});
}

}  // namespace jsc
