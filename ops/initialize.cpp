#include "ops/initialize.hpp"

#include <cmath>

namespace jsc {

void initialize_linear(RandomStream stream, Matrix weight, Matrix bias) {
  const float limit = 1.0F / std::sqrt(static_cast<float>(weight.cols));
  for (Index row = 0; row < weight.rows; ++row)
    fill_uniform(stream, static_cast<std::uint64_t>(row * weight.cols), -limit, limit, weight.row(row),
                 weight.cols);
  if (bias)
    fill_uniform(stream, static_cast<std::uint64_t>(weight.size()), -limit, limit, bias.row(0), bias.cols);
}

}  // namespace jsc
