#include "bench/peak_fma.hpp"
#include "engine/kernels/lanes_avx512.hpp"

namespace jsc {

double fma_peak_avx512(std::ptrdiff_t steps);
double fma_peak_avx512(std::ptrdiff_t steps) {
  return fma_peak<lanes_avx512::F32x16>(steps);
}

}  // namespace jsc
