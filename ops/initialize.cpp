#include "ops/initialize.hpp"

#include <cmath>

namespace jsc {

namespace {

float limit_of(Index fan_in) {
  return 1.0F / std::sqrt(static_cast<float>(fan_in));
}

}  // namespace

void initialize_weight(RandomStream stream, Matrix weight, Index fan_in) {
  const float limit = limit_of(fan_in);
  for (Index row = 0; row < weight.rows; ++row)
    fill_uniform(stream, static_cast<std::uint64_t>(row * weight.cols), -limit, limit, weight.row(row),
                 weight.cols);
}

void initialize_linear(RandomStream stream, Matrix weight, Matrix bias) {
  initialize_weight(stream, weight, weight.cols);
  const float limit = limit_of(weight.cols);
  if (bias)
    fill_uniform(stream, static_cast<std::uint64_t>(weight.size()), -limit, limit, bias.row(0), bias.cols);
}

}  // namespace jsc
