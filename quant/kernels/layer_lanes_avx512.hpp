// Lanes of AVX-512 (F, BW), with and without VNNI.
#pragma once

#include <immintrin.h>

#include "quant/kernels/layer_lanes.hpp"

namespace jsc {
namespace {

struct Avx512Lanes : VectorLanes<64> {
  static constexpr int kRows = 8;
  static __m512i to(Signed v) { return reinterpret_cast<__m512i>(v); }
  static Signed from(__m512i v) { return reinterpret_cast<Signed>(v); }
  static Float load_floats(const float* from, Index count) {
    const auto mask = static_cast<__mmask16>(count >= kLanes ? 0xffff : (1 << count) - 1);
    return reinterpret_cast<Float>(_mm512_maskz_loadu_ps(mask, from));
  }
  // By a vector of counts it is one instruction, by a number two.
  static Signed shift_right(Signed v, int shift) {
    return from(_mm512_srav_epi32(to(v), _mm512_set1_epi32(shift)));
  }
  static Signed clear_lowest(Signed v, Signed bits, Signed mask) {
    const __mmask16 none = _mm512_testn_epi32_mask(to(bits), to(mask));
    return from(_mm512_mask_and_epi32(to(v), none, to(v), _mm512_set1_epi32(~1)));
  }
  static Signed to_nearest(Float x, Float low, Float high) {
    const auto v = reinterpret_cast<__m512>(x);
    const __mmask16 number = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
    const __m512 above = _mm512_maskz_max_ps(number, v, reinterpret_cast<__m512>(low));
    return from(_mm512_cvtps_epi32(_mm512_min_ps(above, reinterpret_cast<__m512>(high))));
  }
  static Signed min(Signed a, Signed b) { return from(_mm512_min_epi32(to(a), to(b))); }
  static Signed max(Signed a, Signed b) { return from(_mm512_max_epi32(to(a), to(b))); }
  static Signed dot_shorts(Signed sum, Signed x, Signed w) {
    return from(_mm512_add_epi32(to(sum), _mm512_madd_epi16(to(x), to(w))));
  }
  static Signed multiply_high(Signed x, Signed w) { return from(_mm512_mulhi_epi16(to(x), to(w))); }
};

}  // namespace
}  // namespace jsc
