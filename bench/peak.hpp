// The processor's own limits, measured: what a share of peak refers to.
#pragma once

#include <cstddef>

#include "engine/cpu.hpp"

namespace jsc {

// Runs `steps` steps of independent fused multiply-adds from registers and returns the floating-point
// operations done. isa must be avx2 or avx512.
double run_fma_peak(Isa isa, std::ptrdiff_t steps);

// a[i] = b[i] + s c[i] with the engine's best lanes: 12 n bytes read and written (16 n with what a store
// fetches).
void run_triad(float* a, const float* b, const float* c, std::ptrdiff_t n);

}  // namespace jsc
