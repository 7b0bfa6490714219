#include "quant/kernels/layer_kernels.hpp"

namespace jsc {

const LayerKernels& layer_kernels(Isa isa) {
#ifdef JSC_X86_64
  static const bool has_vnni = __builtin_cpu_supports("avx512vnni") != 0;
  if (isa == Isa::avx512) return has_vnni ? kLayerKernelsVnni : kLayerKernelsAvx512;
  if (isa == Isa::avx2) return kLayerKernelsAvx2;
#endif
  static_cast<void>(isa);
  return kLayerKernelsPortable;
}

}  // namespace jsc
