// The engine's kernels in plain C++.
#include "engine/kernels/lanes_portable.hpp"

#include "engine/kernels/gather_kernels.hpp"
#include "engine/kernels/gemm_kernels.hpp"
#include "engine/kernels/math_kernels.hpp"
#include "engine/kernels/random_kernels.hpp"
#include "engine/kernels/reduction_kernels.hpp"

namespace jsc {

namespace {

struct Lanes {
  using F = lanes_portable::F32x16;
  using I = lanes_portable::I32x16;
  using Part = lanes_portable::F32x16;
  static auto first(std::ptrdiff_t n) { return lanes_portable::first_lanes(static_cast<int>(n)); }
  static constexpr int kRows = 4, kColumns = 1, kWideColumns = 1;  // product: rows by vectors of a tile
  static constexpr int kTallRows = 4, kTallColumns = 1;            // product: of short sums, and of more rows
  static constexpr int kSingleRows = 4;                            // product: of tiles one vector wide
  static constexpr bool kCallForTile = false;                      // product: a loop costs less
  static constexpr int kSums = 16;                                 // product_transposed: of a tile
  static constexpr std::ptrdiff_t kLargeWeights = 131072;  // product: weights are packed when they are more
};

}  // namespace

extern const EngineKernels engine_kernels_portable;
const EngineKernels engine_kernels_portable = {
#define JSC_KERNEL(name, ...) kernels::name<Lanes>,
#include "engine/kernels/kernels.inc"
#undef JSC_KERNEL
};

}  // namespace jsc
