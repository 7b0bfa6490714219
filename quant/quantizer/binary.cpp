#include "quant/quantizer/binary.hpp"

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/slices.hpp"

namespace jsc {

namespace {

struct Levels {
  float low, high;
};

Levels levels(ConstMatrix slice, bool bipolar) {
  constexpr float kAll = -1.0F;
  return bipolar ? Levels{-1.0F, 1.0F} : Levels{0.0F, mean_magnitude(slice, kAll)};
}

}  // namespace

void BinaryQuantizer::quantize(ConstMatrix x, TensorKind kind, Matrix y) const {
  for_each_slice(x, kind, y, [&](ConstMatrix from, Matrix to) {
    const auto [low, high] = levels(from, bipolar_);
    quantize_each(from, to, [&](float v) {
      if (std::isnan(v)) return v;
      return (bipolar_ ? v >= 0.0F : v > 0.0F) ? high : low;
    });
  });
}

void BinaryQuantizer::quantize_random(ConstMatrix x, TensorKind kind, Matrix y) const {
  for_each_slice(x, kind, y, [&](ConstMatrix from, Matrix to) {
    const auto [low, high] = levels(from, bipolar_);
    for (Index r = 0; r < from.rows; ++r)
      for (Index c = 0; c < from.cols; ++c) {
        const float v = from(r, c), uniform = to(r, c);
        const float p = std::clamp(0.5F * (v + 1.0F), 0.0F, 1.0F);
        to(r, c) = std::isnan(v) ? v : uniform < p ? high : low;
      }
  });
}

}  // namespace jsc
