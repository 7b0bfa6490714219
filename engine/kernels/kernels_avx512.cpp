// The engine's kernels for AVX-512: 32 registers of 16 lanes.
#include "engine/kernels/lanes_avx512.hpp"

#include "engine/kernels/gather_kernels.hpp"
#include "engine/kernels/gemm_kernels.hpp"
#include "engine/kernels/math_kernels.hpp"
#include "engine/kernels/random_kernels.hpp"
#include "engine/kernels/reduction_kernels.hpp"

namespace jsc {

namespace {

struct Lanes {
  using F = lanes_avx512::F32x16;
  using I = lanes_avx512::I32x16;
  using Part = lanes_avx512::F32x16;
  static auto first(std::ptrdiff_t n) { return lanes_avx512::first_lanes(static_cast<int>(n)); }
  static constexpr int kRows = 6, kColumns = 4, kWideColumns = 4;  // product: rows by vectors of a tile
  static constexpr int kTallRows = 8, kTallColumns = 2;            // product: of short sums, and of more rows
  static constexpr int kSingleRows = 16;                           // product: of tiles one vector wide
  static constexpr bool kCallForTile = true;                       // product: which saves no registers
  static constexpr int kSums = 16;                                 // product_transposed: of a tile
  static constexpr std::ptrdiff_t kLargeWeights = 131072;  // product: weights are packed when they are more
};

}  // namespace

extern const EngineKernels engine_kernels_avx512;
const EngineKernels engine_kernels_avx512 = {
#define JSC_KERNEL(name, ...) kernels::name<Lanes>,
#include "engine/kernels/kernels.inc"
#undef JSC_KERNEL
};

}  // namespace jsc
