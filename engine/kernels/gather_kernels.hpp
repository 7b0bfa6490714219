// gather_rows over lanes: 16 samples by 16 features at a time, transposed in registers.
#pragma once

#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kGatherAhead = 64;  // rows between a prefetch and its use: some 100 ns

template <class Lanes>
void gather(const GatherArgs& p) {
  using F = typename Lanes::F;
  for (std::ptrdiff_t i = 0; i < p.n; i += 16) {
    const std::ptrdiff_t samples = p.n - i < 16 ? p.n - i : 16;
    const std::ptrdiff_t known = p.n + p.ahead - i - kGatherAhead;
    for (std::ptrdiff_t s = 0; s < 16 && s < known; ++s) {
      const float* row = p.x + static_cast<std::ptrdiff_t>(p.indices[i + kGatherAhead + s]) * p.features;
      for (std::ptrdiff_t f = 0; f < p.features; f += 16) __builtin_prefetch(row + f);
    }
    for (std::ptrdiff_t f = 0; f < p.features; f += 16) {
      const std::ptrdiff_t features = p.features - f < 16 ? p.features - f : 16;
      F rows[16];
      for (std::ptrdiff_t s = 0; s < 16; ++s) {
        // Past the last sample its row is read again and not stored.
        const std::uint32_t index = p.indices[i + (s < samples ? s : samples - 1)];
        const float* from = p.x + static_cast<std::ptrdiff_t>(index) * p.features + f;
        rows[s] = features == 16 ? F::load(from) : F::load_first(from, features);
      }
      transpose(rows);
      for (std::ptrdiff_t r = 0; r < features; ++r) {
        float* to = p.out + (f + r) * p.out_stride + i;
        if (samples == 16)
          rows[r].store(to);
        else
          rows[r].store_first(to, samples);
      }
    }
  }
}

}  // namespace jsc::kernels
