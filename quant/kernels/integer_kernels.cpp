#include "quant/kernels/integer_kernels.hpp"

namespace jsc {

const IntegerKernels& integer_kernels(Isa isa) {
#ifdef JSC_X86_64
  if (isa == Isa::avx512) return kIntegerKernelsAvx512;
  if (isa == Isa::avx2) return kIntegerKernelsAvx2;
#endif
  static_cast<void>(isa);
  return kIntegerKernelsPortable;
}

}  // namespace jsc
