// The layer shapes of this field, for every bench: docs/performance.md reports them in this order.
#pragma once

#include <array>

namespace jsc {

struct LayerShape {
  int in, out;
};

inline constexpr std::array<LayerShape, 10> kLayerShapes = {
    {{16, 5}, {16, 8}, {8, 8}, {8, 5}, {16, 64}, {64, 128}, {128, 8}, {64, 32}, {32, 32}, {32, 5}}};

inline constexpr std::array<int, 5> kBatches = {64, 256, 512, 1024, 4096};

}  // namespace jsc
