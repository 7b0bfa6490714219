#include "bench/peak_fma.hpp"
#include "engine/kernels/lanes_avx2.hpp"

namespace jsc {

double fma_peak_avx2(std::ptrdiff_t steps);
double fma_peak_avx2(std::ptrdiff_t steps) {
  return fma_peak<lanes_avx2::F32x8>(steps);
}

}  // namespace jsc
