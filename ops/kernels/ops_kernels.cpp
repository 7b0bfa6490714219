#include "ops/kernels/ops_kernels.hpp"

namespace jsc {

const OpsKernels& ops_kernels(Isa isa) {
#ifdef JSC_X86_64
  if (isa == Isa::avx512) return kOpsKernelsAvx512;
  if (isa == Isa::avx2) return kOpsKernelsAvx2;
#endif
  static_cast<void>(isa);
  return kOpsKernelsPortable;
}

}  // namespace jsc
