// The kernels of inference for AVX-512.
#include "quant/kernels/layer_lanes_avx512.hpp"
#include "quant/kernels/layer_loops.hpp"

namespace jsc {

const LayerKernels kLayerKernelsAvx512 = layer_kernels_of<Avx512Lanes>();

}  // namespace jsc
