#include "engine/kernels/kernels.hpp"

namespace jsc {

extern const EngineKernels engine_kernels_portable;
#ifdef JSC_X86_64
extern const EngineKernels engine_kernels_avx2;
extern const EngineKernels engine_kernels_avx512;
#endif

const EngineKernels* const engine_kernels_by_isa[] = {
    &engine_kernels_portable,
#ifdef JSC_X86_64
    &engine_kernels_avx2,
    &engine_kernels_avx512,
#else
    nullptr,
    nullptr,
#endif
};

}  // namespace jsc
