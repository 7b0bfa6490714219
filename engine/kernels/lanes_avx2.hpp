// Sixteen float32 lanes as two AVX2 registers (needs -mavx2 -mfma). The meaning is that of
// lanes_portable.hpp, to the bit.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "engine/kernels/plain_divisor.hpp"

namespace jsc::lanes_avx2 {

struct Mask16 {
  __m256 lo, hi;  // all ones or all zeros a lane
};

// All ones in lanes 0..n-1 of eight.
inline __m256i first_eight(std::ptrdiff_t n) {
  const int count = n < 0 ? 0 : n > 8 ? 8 : static_cast<int>(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct I32x16 {
  __m256i lo, hi;
  static I32x16 iota(std::int32_t first) {
    const __m256i base = _mm256_set1_epi32(first);
    return {_mm256_add_epi32(base, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
            _mm256_add_epi32(base, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15))};
  }
  static I32x16 set(std::int32_t s) { return {_mm256_set1_epi32(s), _mm256_set1_epi32(s)}; }
  static I32x16 load(const std::int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
  }
  void store(std::int32_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), lo);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), hi);
  }
};

struct F32x16 {
  __m256 lo, hi;
  static F32x16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static F32x16 set(float s) { return {_mm256_set1_ps(s), _mm256_set1_ps(s)}; }
  static F32x16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  static F32x16 load_first(const float* p, std::ptrdiff_t n) {
    return {_mm256_maskload_ps(p, first_eight(n)), _mm256_maskload_ps(p + 8, first_eight(n - 8))};
  }
  void store_first(float* p, std::ptrdiff_t n) const {
    _mm256_maskstore_ps(p, first_eight(n), lo);
    _mm256_maskstore_ps(p + 8, first_eight(n - 8), hi);
  }
};

// One register of eight lanes, for loops in which pairs would not fit the register file.
struct F32x8 {
  __m256 v;
  static constexpr int kLanes = 8;
  static F32x8 zero() { return {_mm256_setzero_ps()}; }
  static F32x8 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static F32x8 load_first(const float* p, std::ptrdiff_t n) {
    return {_mm256_maskload_ps(p, first_eight(n))};
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
};
inline F32x8 select_first(std::ptrdiff_t n, F32x8 a, F32x8 b) {
  return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(first_eight(n)))};
}
inline F32x8 operator+(F32x8 a, F32x8 b) {
  return {_mm256_add_ps(a.v, b.v)};
}
inline F32x8 fma(F32x8 a, F32x8 b, F32x8 c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}

inline F32x16 operator+(F32x16 a, F32x16 b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
using Divisor = PlainDivisor<F32x16>;
using Total = PlainTotal<F32x16>;
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
inline F32x16 min(F32x16 a, F32x16 b) {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
inline F32x16 sqrt(F32x16 a) {
  return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)};
}
inline F32x16 abs(F32x16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
inline F32x16 round_even(F32x16 a) {
  constexpr int mode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, mode), _mm256_round_ps(a.hi, mode)};
}

inline Mask16 operator<(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
inline Mask16 operator<=(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LE_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LE_OQ)};
}
inline Mask16 operator==(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)};
}
inline Mask16 operator==(I32x16 a, I32x16 b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.lo, b.lo)),
          _mm256_castsi256_ps(_mm256_cmpeq_epi32(a.hi, b.hi))};
}
inline Mask16 below(I32x16 a, I32x16 b) {
  const __m256i sign = _mm256_set1_epi32(std::int32_t{1} << 31);
  const auto less = [sign](__m256i x, __m256i y) {
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_xor_si256(y, sign), _mm256_xor_si256(x, sign)));
  };
  return {less(a.lo, b.lo), less(a.hi, b.hi)};
}
inline Mask16 operator&(Mask16 a, Mask16 b) {
  return {_mm256_and_ps(a.lo, b.lo), _mm256_and_ps(a.hi, b.hi)};
}
inline Mask16 first_lanes(int n) {
  const __m256i limit = _mm256_set1_epi32(n);
  const __m256i low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i high = _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15);
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, low)),
          _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, high))};
}
inline int count(Mask16 m) {
  return _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_ps(m.lo)) |
                        (static_cast<unsigned>(_mm256_movemask_ps(m.hi)) << 8));
}
inline F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm256_blendv_ps(b.lo, a.lo, m.lo), _mm256_blendv_ps(b.hi, a.hi, m.hi)};
}
inline I32x16 select(Mask16 m, I32x16 a, I32x16 b) {
  return {_mm256_blendv_epi8(b.lo, a.lo, _mm256_castps_si256(m.lo)),
          _mm256_blendv_epi8(b.hi, a.hi, _mm256_castps_si256(m.hi))};
}

inline I32x16 operator+(I32x16 a, I32x16 b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
inline I32x16 operator&(I32x16 a, I32x16 b) {
  return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
inline I32x16 operator^(I32x16 a, I32x16 b) {
  return {_mm256_xor_si256(a.lo, b.lo), _mm256_xor_si256(a.hi, b.hi)};
}
inline void multiply_wide(__m256i a, __m256i b, __m256i& high, __m256i& low) {
  const __m256i even = _mm256_mul_epu32(a, b);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
inline void multiply_wide(I32x16 a, I32x16 b, I32x16& high, I32x16& low) {
  multiply_wide(a.lo, b.lo, high.lo, low.lo);
  multiply_wide(a.hi, b.hi, high.hi, low.hi);
}
template <int n>
I32x16 shift_left(I32x16 a) {
  return {_mm256_slli_epi32(a.lo, n), _mm256_slli_epi32(a.hi, n)};
}
template <int n>
I32x16 shift_right(I32x16 a) {
  return {_mm256_srai_epi32(a.lo, n), _mm256_srai_epi32(a.hi, n)};
}
inline F32x16 to_float(I32x16 a) {
  return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}
inline I32x16 to_int(F32x16 a) {
  return {_mm256_cvttps_epi32(a.lo), _mm256_cvttps_epi32(a.hi)};
}
inline I32x16 bits(F32x16 a) {
  return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)};
}
inline F32x16 from_bits(I32x16 a) {
  return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)};
}

inline float sum(F32x16 a) {
  const __m256 x = _mm256_add_ps(a.lo, a.hi);                                           // x_i = l_i + l_{i+8}
  const __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));  // y_i = x_i + x_{i+4}
  const __m128 z = _mm_add_ps(y, _mm_movehl_ps(y, y));                                  // z_i = y_i + y_{i+2}
  return _mm_cvtss_f32(_mm_add_ss(z, _mm_shuffle_ps(z, z, 1)));
}

inline void transpose8(__m256 (&r)[8]) {
  __m256 t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      u[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
      u[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
    }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}
inline void transpose(F32x16 (&m)[16]) {  // four quarters, the two off the diagonal changing places
  __m256 a[8], b[8], c[8], d[8];
  for (int i = 0; i < 8; ++i) {
    a[i] = m[i].lo;
    b[i] = m[i].hi;
    c[i] = m[i + 8].lo;
    d[i] = m[i + 8].hi;
  }
  transpose8(a);
  transpose8(b);
  transpose8(c);
  transpose8(d);
  for (int i = 0; i < 8; ++i) {
    m[i] = {a[i], c[i]};
    m[i + 8] = {b[i], d[i]};
  }
}

// Lane j of m[i] = rows[j][i].
inline void load_columns(const float* const (&rows)[16], F32x16 (&m)[16]) {
  for (int i = 0; i < 16; ++i) m[i] = F32x16::load(rows[i]);
  transpose(m);
}

// The lanes' tree of 8 sums at once, as in lanes_avx512.hpp, from its second level: in a register of 8 lanes
// the first has been added.
inline __m256 fold_4(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}
inline __m256 fold_2(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_blend_ps(a, b, 0xcc), _mm256_shuffle_ps(a, b, 0x4e));
}
inline __m256 fold_1(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}

// Lane i = the sum of the lanes of sums[i]; sums[0..7].
inline F32x8 sum_lanes(const F32x8* sums) {
  __m256 fours[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) fours[i] = fold_4(sums[i].v, sums[i + 4].v);
  return {fold_1(fold_2(fours[0], fours[1]), fold_2(fours[2], fours[3]))};
}

// Lane i = the sum of the lanes of sums[i]; sums[0..15].
inline F32x16 sum_lanes(const F32x16* sums) {
  F32x8 eights[16];
  for (int i = 0; i < 16; ++i) eights[i] = F32x8{sums[i].lo} + F32x8{sums[i].hi};
  return {sum_lanes(eights).v, sum_lanes(eights + 8).v};
}

}  // namespace jsc::lanes_avx2
