// The kernels of inference for AVX-512 with VNNI.
#include "quant/kernels/layer_lanes_avx512.hpp"
#include "quant/kernels/layer_loops.hpp"

namespace jsc {
namespace {

struct VnniLanes : Avx512Lanes {
  static constexpr bool kHasBytes = true;
  static Signed dot_shorts(Signed sum, Signed x, Signed w) {
    return from(_mm512_dpwssd_epi32(to(sum), to(x), to(w)));
  }
  static Signed dot_bytes(Signed sum, Signed x, Signed w) {
    return from(_mm512_dpbusd_epi32(to(sum), to(x), to(w)));
  }
  static Signed min_bytes(Signed a, Signed b) { return from(_mm512_min_epu8(to(a), to(b))); }
  // Saturating, to 0 and 255 or to -128 and 127.
  static Signed pack_bytes(Signed a, Signed b, Signed c, Signed d) {
    return by_sample(_mm512_packus_epi16(_mm512_packs_epi32(to(a), to(b)), _mm512_packs_epi32(to(c), to(d))));
  }
  static Signed pack_signed_bytes(Signed a, Signed b, Signed c, Signed d) {
    return by_sample(_mm512_packs_epi16(_mm512_packs_epi32(to(a), to(b)), _mm512_packs_epi32(to(c), to(d))));
  }
  // The packing instructions work on 128 bits at a time, where they leave four of a, four of b, of c and of
  // d.
  static Signed by_sample(__m512i grouped) {
    const __m512i order = _mm512_set4_epi32(0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
    return from(_mm512_shuffle_epi8(grouped, order));
  }
};

}  // namespace

const LayerKernels kLayerKernelsVnni = layer_kernels_of<VnniLanes>();

}  // namespace jsc
