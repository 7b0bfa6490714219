// Data for the statistics' tests: reproducible, and of any shape.
#pragma once

#include <random>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

// features x samples, normal with this mean; every eleventh value is zero.
inline Tensor random_tensor(Index features, Index samples, unsigned seed, float mean = 0.5F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(mean, 2.0F);
  Tensor tensor(features, samples);
  for (Index r = 0; r < features; ++r)
    for (Index c = 0; c < samples; ++c) tensor(r, c) = (r + c) % 11 == 0 ? 0.0F : normal(generator);
  return tensor;
}

// Samples begin..end-1 of a block.
inline ConstMatrix columns(const Tensor& tensor, Index begin, Index end) {
  ConstMatrix view = tensor.view();
  view.data += begin;
  view.cols = end - begin;
  return view;
}

}  // namespace jsc
