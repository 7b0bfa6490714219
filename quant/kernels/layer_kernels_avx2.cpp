// The kernels of inference for AVX2.
#include <immintrin.h>

#include "quant/kernels/layer_lanes.hpp"
#include "quant/kernels/layer_loops.hpp"

namespace jsc {
namespace {

struct Lanes : VectorLanes<32> {
  static constexpr int kRows = 4;
  static __m256i to(Signed v) { return reinterpret_cast<__m256i>(v); }
  static Signed from(__m256i v) { return reinterpret_cast<Signed>(v); }
  static Signed shift_right(Signed v, int shift) {
    return from(_mm256_srav_epi32(to(v), _mm256_set1_epi32(shift)));
  }
  static Signed min(Signed a, Signed b) { return from(_mm256_min_epi32(to(a), to(b))); }
  static Signed max(Signed a, Signed b) { return from(_mm256_max_epi32(to(a), to(b))); }
  static Signed dot_shorts(Signed sum, Signed x, Signed w) {
    return from(_mm256_add_epi32(to(sum), _mm256_madd_epi16(to(x), to(w))));
  }
  static Signed multiply_high(Signed x, Signed w) { return from(_mm256_mulhi_epi16(to(x), to(w))); }
};

}  // namespace

const LayerKernels kLayerKernelsAvx2 = layer_kernels_of<Lanes>();

}  // namespace jsc
