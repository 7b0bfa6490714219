#include "quant/quantizer/float_grid.hpp"

#include <algorithm>
#include <cmath>

namespace jsc {

float round_to_grid(float x, const FloatGrid& grid) {
  if (std::isnan(x) || x == 0.0F) return x;
  const double size = std::fabs(static_cast<double>(x));
  if (size >= grid.largest) return std::copysign(static_cast<float>(grid.largest), x);
  const int step = std::max(std::ilogb(size), grid.lowest_exponent) - grid.fraction_bits;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(size, -step)), step);
  return std::copysign(static_cast<float>(rounded), x);
}

}  // namespace jsc
