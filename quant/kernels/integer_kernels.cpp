#include "quant/kernels/integer_kernels.hpp"

namespace jsc {

const IntegerKernels& integer_kernels(Isa isa) {
#ifdef JSC_X86_64
  static const bool has_vnni = __builtin_cpu_supports("avx512vnni") != 0;
  if (isa == Isa::avx512) return has_vnni ? kIntegerKernelsVnni : kIntegerKernelsAvx512;
  if (isa == Isa::avx2) return kIntegerKernelsAvx2;
#endif
  static_cast<void>(isa);
  return kIntegerKernelsPortable;
}

}  // namespace jsc
