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
  static Signed min(Signed a, Signed b) { return from(_mm512_min_epi32(to(a), to(b))); }
  static Signed max(Signed a, Signed b) { return from(_mm512_max_epi32(to(a), to(b))); }
  static Signed dot_shorts(Signed sum, Signed x, Signed w) {
    return from(_mm512_add_epi32(to(sum), _mm512_madd_epi16(to(x), to(w))));
  }
  static Signed multiply_high(Signed x, Signed w) { return from(_mm512_mulhi_epi16(to(x), to(w))); }
};

}  // namespace
}  // namespace jsc
