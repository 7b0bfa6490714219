// The kernels of inference for any processor.
#include "quant/kernels/layer_lanes.hpp"
#include "quant/kernels/layer_loops.hpp"

namespace jsc {
namespace {

struct Lanes : VectorLanes<16> {
  static constexpr int kRows = 4;
};

}  // namespace

const LayerKernels kLayerKernelsPortable = layer_kernels_of<Lanes>();

}  // namespace jsc
