#include "engine/kernels/kernels.hpp"

#include "engine/error.hpp"

namespace jsc {

extern const EngineKernels engine_kernels_portable;
#ifdef JSC_X86_64
extern const EngineKernels engine_kernels_avx2;
extern const EngineKernels engine_kernels_avx512;
#endif

const EngineKernels& engine_kernels(Isa isa) {
  JSC_ASSERT(isa <= detected_isa());
#ifdef JSC_X86_64
  if (isa == Isa::avx2) return engine_kernels_avx2;
  if (isa == Isa::avx512) return engine_kernels_avx512;
#endif
  return engine_kernels_portable;
}

}  // namespace jsc
