#include "bench/peak.hpp"

#include "engine/error.hpp"

namespace jsc {

double fma_peak_avx2(std::ptrdiff_t steps);
double fma_peak_avx512(std::ptrdiff_t steps);

double run_fma_peak(Isa isa, std::ptrdiff_t steps) {
#ifdef JSC_X86_64
  if (isa == Isa::avx2) return fma_peak_avx2(steps);
  if (isa == Isa::avx512) return fma_peak_avx512(steps);
#endif
  fail("no measurement of the peak of {}", isa_name(isa));
}

}  // namespace jsc
