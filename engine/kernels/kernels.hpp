// The table of the engine's kernels, one for each ISA, all with the same bits. Kernels take views,
// or pointers and sizes; they do not allocate, throw or print, and touch nothing outside the rows and columns
// they are given. This header is seen by ISA-specific sources, so it defines no inline functions, and those
// sources call none of a view's: a copy out of line would be shared between ISAs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// y[m][n] = start + sum over k ascending of a(i, k) x[k][n], where a is w or, transposed, w^T, and start is y
// itself to accumulate, else start[i], else 0 where it is null; with kRelu, the larger of that and 0. With
// kNormalize in its place start is [m][3], a start, a factor and a summand of each row, and y = max(0,
// fma(sum, factor, summand)): at most 256 x 256 weights (gemm.hpp), neither kTransposed nor kAccumulate. mode
// is a sum of:
constexpr unsigned kTransposed = 1, kRelu = 2, kNormalize = 4, kAccumulate = 8;
// and, changing no bit, of what suits the core: kNarrow takes short sums and few rows in narrow tiles, which
// pays where loads are cheap beside multiply-adds; kFastL2 reads the L2 as if it were the L1.
constexpr unsigned kNarrow = 16, kFastL2 = 32;
constexpr std::ptrdiff_t kMostNormalizedWeights = 256;  // in and out

// c[m][n] (+)= sum over samples of a[m][sample] b[n][sample], reduced as threads.hpp says.
struct TransposedArgs {
  const float* a;
  std::ptrdiff_t a_stride;
  const float* b;
  std::ptrdiff_t b_stride;
  float* c;
  std::ptrdiff_t c_stride;
  std::ptrdiff_t m, n, samples;
  bool accumulate;
};

// sums[r] (+)= sum of a[r][samples], reduced as threads.hpp says.
struct SumArgs {
  const float* a;
  std::ptrdiff_t a_stride;
  float* sums;
  std::ptrdiff_t rows, samples;
  bool accumulate;
};

// out[f][i] = x[indices[i] features + f] for i < n; the rows of the `ahead` indices that follow are needed
// soon
struct GatherArgs {
  const float* x;
  std::ptrdiff_t features;
  const std::uint32_t* indices;
  float* out;
  std::ptrdiff_t out_stride;
  std::ptrdiff_t n, ahead;
};

// Positions [64 group, 64 (group + groups)) of a stream of random.hpp.
struct RandomArgs {
  std::uint64_t seed, stream, group;
  std::ptrdiff_t groups;
};
constexpr std::int32_t kDrawAgain = -1;  // in place of a pick
struct UniformRange {
  float lo, width, below_hi;  // value = min(lo + width u, below_hi)
};

struct EngineKernels {
#define JSC_KERNEL(name, ...) void (*name)(__VA_ARGS__);
#include "engine/kernels/kernels.inc"
#undef JSC_KERNEL
};

// By ISA (table.hpp); null where the build lacks one.
extern const EngineKernels* const engine_kernels_by_isa[3];

}  // namespace jsc
