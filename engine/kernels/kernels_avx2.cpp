// The engine's kernels for AVX2: 16 registers of 8 lanes.
#include "engine/kernels/lanes_avx2.hpp"

#include "engine/kernels/gather_kernels.hpp"
#include "engine/kernels/gemm_kernels.hpp"
#include "engine/kernels/math_kernels.hpp"
#include "engine/kernels/random_kernels.hpp"
#include "engine/kernels/reduction_kernels.hpp"

namespace jsc {

namespace {

struct Lanes {
  using F = lanes_avx2::F32x16;
  using I = lanes_avx2::I32x16;
  using Part = lanes_avx2::F32x8;
  static auto first(std::ptrdiff_t n) { return lanes_avx2::first_lanes(static_cast<int>(n)); }
  static constexpr int kRows = 6, kColumns = 1, kWideColumns = 2;  // product: rows by vectors of a tile
  static constexpr int kTallRows = 6, kTallColumns = 1;            // product: of short sums, and of more rows
  static constexpr int kSingleRows = 6;                            // product: of tiles one vector wide
  static constexpr bool kCallForTile = false;                      // product: a loop costs less
  static constexpr int kSums = 12;  // product_transposed: of a tile; 8 would wait for fma
  static constexpr std::ptrdiff_t kLargeWeights = 131072;  // product: weights are packed when they are more
};

}  // namespace

extern const EngineKernels engine_kernels_avx2;
const EngineKernels engine_kernels_avx2 = {
#define JSC_KERNEL(name, ...) kernels::name<Lanes>,
#include "engine/kernels/kernels.inc"
#undef JSC_KERNEL
};

}  // namespace jsc
