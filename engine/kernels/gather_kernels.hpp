// gather_rows over lanes: 16 samples by 16 features at a time, transposed in registers.
#pragma once

#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

// Rows between a call into the L2 and its use, some 200 ns. Into the L1 fewer lines can be under way at once:
// a step of 80 weights is a quarter faster so (Zen 4).
constexpr std::ptrdiff_t kGatherAhead = 128;

template <class Lanes>
void gather(const GatherArgs& p) {
  using F = typename Lanes::F;
  for (std::ptrdiff_t i = 0; i < p.n; i += 16) {
    const std::ptrdiff_t samples = p.n - i < 16 ? p.n - i : 16;
    const std::ptrdiff_t known = p.n + p.ahead - i - kGatherAhead;
    for (std::ptrdiff_t s = 0; s < 16 && s < known; ++s) {
      const float* row = p.x + static_cast<std::ptrdiff_t>(p.indices[i + kGatherAhead + s]) * p.features;
      for (std::ptrdiff_t f = 0; f < p.features; f += 16) __builtin_prefetch(row + f, 0, 2);
    }
    for (std::ptrdiff_t f = 0; f < p.features; f += 16) {
      const std::ptrdiff_t features = p.features - f < 16 ? p.features - f : 16;
      const float* from[16];
      for (std::ptrdiff_t s = 0; s < 16; ++s)  // past the last sample its row is read again and not stored
        from[s] = p.x +
                  static_cast<std::ptrdiff_t>(p.indices[i + (s < samples ? s : samples - 1)]) * p.features +
                  f;
      F columns[16];
      float* to = p.out + f * p.out_stride + i;
      if (features == 16 && samples == 16) {  // from registers to memory
        load_columns(from, columns);
#pragma GCC unroll 16
        for (std::ptrdiff_t c = 0; c < 16; ++c, to += p.out_stride) {
          __builtin_prefetch(to + 16, 1);
          columns[c].store(to);
        }
        continue;
      }
      for (std::ptrdiff_t s = 0; s < 16; ++s) columns[s] = F::load_first(from[s], features);
      transpose(columns);
      for (std::ptrdiff_t c = 0; c < features; ++c, to += p.out_stride) {
        __builtin_prefetch(to + 16, 1);
        if (samples == 16)
          columns[c].store(to);
        else
          columns[c].store_first(to, samples);
      }
    }
  }
}

}  // namespace jsc::kernels
