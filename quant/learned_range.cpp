#include "quant/learned_range.hpp"

#include <algorithm>
#include <cmath>

namespace jsc {

namespace {

constexpr int kMaxFraction = 64;  // as the configuration allows (quantizer/formats.cpp)

}  // namespace

fixed::Format format_at_threshold(fixed::Format format, float log2_threshold) {
  const int sign = format.is_signed ? 1 : 0;
  const auto lo = static_cast<float>(format.width - kMaxFraction - sign);
  const auto hi = static_cast<float>(format.width + kMaxFraction - sign);
  format.integer = static_cast<int>(std::ceil(std::clamp(log2_threshold, lo, hi))) + sign;
  return format;
}

float threshold_of(const fixed::Format& format) {
  return static_cast<float>(format.integer - (format.is_signed ? 1 : 0)) - 0.5F;
}

}  // namespace jsc
