// Sixteen float32 lanes as one AVX-512 register (needs -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma). The
// meaning is that of lanes_portable.hpp, to the bit.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace jsc::lanes_avx512 {

struct Mask16 {
  __mmask16 m;
};

// Lanes 0..n-1.
inline __mmask16 first_sixteen(std::ptrdiff_t n) {
  return static_cast<__mmask16>(n <= 0 ? 0U : n >= 16 ? 0xffffU : (1U << n) - 1U);
}

struct I32x16 {
  __m512i v;
  static I32x16 iota(std::int32_t first) {
    return {_mm512_add_epi32(_mm512_set1_epi32(first),
                             _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))};
  }
  static I32x16 set(std::int32_t s) { return {_mm512_set1_epi32(s)}; }
  static I32x16 load(const std::int32_t* p) { return {_mm512_loadu_si512(p)}; }
  void store(std::int32_t* p) const { _mm512_storeu_si512(p, v); }
};

struct F32x16 {
  static constexpr int kLanes = 16;
  __m512 v;
  static F32x16 zero() { return {_mm512_setzero_ps()}; }
  static F32x16 set(float s) { return {_mm512_set1_ps(s)}; }
  static F32x16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  static F32x16 load_first(const float* p, std::ptrdiff_t n) {
    return {_mm512_maskz_loadu_ps(first_sixteen(n), p)};
  }
  void store_first(float* p, std::ptrdiff_t n) const { _mm512_mask_storeu_ps(p, first_sixteen(n), v); }
};

inline F32x16 operator+(F32x16 a, F32x16 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline F32x16 min(F32x16 a, F32x16 b) {
  return {_mm512_min_ps(a.v, b.v)};
}
inline F32x16 sqrt(F32x16 a) {
  return {_mm512_sqrt_ps(a.v)};
}
inline F32x16 abs(F32x16 a) {
  return {_mm512_abs_ps(a.v)};
}
inline F32x16 round_even(F32x16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

inline Mask16 operator<(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
inline Mask16 operator<=(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
inline Mask16 operator==(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
inline Mask16 operator==(I32x16 a, I32x16 b) {
  return {_mm512_cmpeq_epi32_mask(a.v, b.v)};
}
inline Mask16 below(I32x16 a, I32x16 b) {
  return {_mm512_cmplt_epu32_mask(a.v, b.v)};
}
inline Mask16 operator&(Mask16 a, Mask16 b) {
  return {static_cast<__mmask16>(a.m & b.m)};
}
inline Mask16 first_lanes(int n) {
  return {static_cast<__mmask16>((1U << n) - 1U)};
}
inline int count(Mask16 m) {
  return _mm_popcnt_u32(m.m);
}
inline F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}
inline I32x16 select(Mask16 m, I32x16 a, I32x16 b) {
  return {_mm512_mask_blend_epi32(m.m, b.v, a.v)};
}

// A divisor of many: a / Divisor(b) is a / b to the bit, by its reciprocal where that is proven. A quotient
// of 16 lanes keeps the divider busy for 16 cycles; these five operations take two and a half. With y = RN(1
// / b), two residuals, each exact, make q = RN(a y) faithful and then the correctly rounded quotient (P.
// Markstein, Computation of elementary functions on the IBM RISC System/6000 processor, 1990, theorem on
// division; Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed. 2018, 4.7.2), as long as nothing
// here can underflow or overflow: for |a| within 2^+-90, or +0, and b within 2^+-20 and positive. Anything
// else is divided.
class Divisor {
 public:
  explicit Divisor(F32x16 b)
      : b_(b),
        reciprocal_{_mm512_div_ps(_mm512_set1_ps(1.0F), b.v)},
        ordinary_(within(b.v, 0x1p-20F, 0x1p+20F) == 0xffff) {}

  friend F32x16 operator/(F32x16 a, const Divisor& d) {
    const __m512i bits = _mm512_castps_si512(a.v);
    const unsigned zero = _mm512_testn_epi32_mask(bits, bits);  // not -0, whose sign the sums would lose
    if (!d.ordinary_ || (within(_mm512_abs_ps(a.v), 0x1p-90F, 0x1p+90F) | zero) != 0xffff) [[unlikely]]
      return a / d.b_;
    return d.quotient(a);
  }

 protected:
  static unsigned within(__m512 x, float low, float high) {
    return _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(x, _mm512_set1_ps(low), _CMP_GE_OQ), x,
                                   _mm512_set1_ps(high), _CMP_LE_OQ);
  }
  F32x16 quotient(F32x16 a) const {
    const __m512 q = _mm512_mul_ps(a.v, reciprocal_.v);
    const __m512 faithful = _mm512_fmadd_ps(_mm512_fnmadd_ps(b_.v, q, a.v), reciprocal_.v, q);
    return {_mm512_fmadd_ps(_mm512_fnmadd_ps(b_.v, faithful, a.v), reciprocal_.v, faithful)};
  }
  F32x16 b_, reciprocal_;
  bool ordinary_;
};

// A total that divides its parts, from `least` up to itself, so that one look is enough for all of them.
class Total : Divisor {
 public:
  Total(F32x16 b, F32x16 least) : Divisor(b) {
    ordinary_ = ordinary_ && within(least.v, 0x1p-90F, 0x1p+20F) == 0xffff;
  }
  friend F32x16 operator/(F32x16 a, const Total& total) {
    return total.ordinary_ ? total.quotient(a) : a / total.b_;
  }
};

inline F32x16 select_first(std::ptrdiff_t n, F32x16 a, F32x16 b) {
  return {_mm512_mask_blend_ps(first_sixteen(n), b.v, a.v)};
}

inline I32x16 operator+(I32x16 a, I32x16 b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
inline I32x16 operator&(I32x16 a, I32x16 b) {
  return {_mm512_and_si512(a.v, b.v)};
}
inline I32x16 operator^(I32x16 a, I32x16 b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
inline void multiply_wide(I32x16 a, I32x16 b, I32x16& high, I32x16& low) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd =
      _mm512_mul_epu32(_mm512_shuffle_epi32(a.v, _MM_PERM_DDBB), _mm512_shuffle_epi32(b.v, _MM_PERM_DDBB));
  high.v = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
  low.v = _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}
template <int n>
I32x16 shift_left(I32x16 a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
I32x16 shift_right(I32x16 a) {
  return {_mm512_srai_epi32(a.v, n)};
}
inline F32x16 to_float(I32x16 a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
inline I32x16 to_int(F32x16 a) {
  return {_mm512_cvttps_epi32(a.v)};
}
inline F32x16 scale_by_power_of_two(F32x16 y, F32x16 n) {
  return {_mm512_scalef_ps(y.v, n.v)};
}
inline I32x16 bits(F32x16 a) {
  return {_mm512_castps_si512(a.v)};
}
inline F32x16 from_bits(I32x16 a) {
  return {_mm512_castsi512_ps(a.v)};
}

inline float sum(F32x16 a) {
  const __m256 x = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 z = _mm_add_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_add_ss(z, _mm_shuffle_ps(z, z, 1)));
}

// One stage of a transpose: rows i and i + n exchange the lanes of row i with bit n set for those of row
// i + n without.
template <int n>
void exchange(F32x16 (&m)[16]) {
  alignas(64) std::int32_t upper[16], lower[16];
  for (int lane = 0; lane < 16; ++lane) {
    upper[lane] = (lane & n) != 0 ? 16 + lane - n : lane;
    lower[lane] = (lane & n) != 0 ? 16 + lane : lane + n;
  }
  const __m512i to_upper = _mm512_load_si512(upper), to_lower = _mm512_load_si512(lower);
  for (int i = 0; i < 16; ++i)
    if ((i & n) == 0) {
      const __m512 a = m[i].v, b = m[i + n].v;
      m[i].v = _mm512_permutex2var_ps(a, to_upper, b);
      m[i + n].v = _mm512_permutex2var_ps(a, to_lower, b);
    }
}
inline void transpose(F32x16 (&m)[16]) {
  exchange<1>(m);
  exchange<2>(m);
  exchange<4>(m);
  exchange<8>(m);
}

// Four columns of 16 rows, from their quarters: row k of `quarters` has rows k, k + 4, k + 8 and k + 12.
inline void finish_columns(const __m512 (&quarters)[4], F32x16* columns) {
  const __m512 low01 = _mm512_unpacklo_ps(quarters[0], quarters[1]),
               high01 = _mm512_unpackhi_ps(quarters[0], quarters[1]);
  const __m512 low23 = _mm512_unpacklo_ps(quarters[2], quarters[3]),
               high23 = _mm512_unpackhi_ps(quarters[2], quarters[3]);
  columns[0].v = _mm512_shuffle_ps(low01, low23, 0x44);
  columns[1].v = _mm512_shuffle_ps(low01, low23, 0xee);
  columns[2].v = _mm512_shuffle_ps(high01, high23, 0x44);
  columns[3].v = _mm512_shuffle_ps(high01, high23, 0xee);
}
inline __m512 load_quarters(const float* a, const float* b, const float* c, const float* d) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(a));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(b), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(c), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(d), 3);
}
// Lane j of m[i] = rows[j][i]. The coarse half of the transpose is done by loads of quarters, so that the
// shuffles of one port are left with the fine half.
inline void load_columns(const float* const (&rows)[16], F32x16 (&m)[16]) {
  __m512 quarters[4][4];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k)  // four rows at a time, whose addresses fit into registers
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c)
      quarters[c][k] =
          load_quarters(rows[k] + 4 * c, rows[k + 4] + 4 * c, rows[k + 8] + 4 * c, rows[k + 12] + 4 * c);
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) finish_columns(quarters[c], m + 4 * c);
}

// The lanes' tree of 16 sums at once, a level at a time: two registers of one sum each become one of two sums
// (fold_8), two of those one of four (fold_4), and so on. Where each half of a result, or of its quarters, is
// of one of the two, a blend stands in for one of the shuffles, which share a unit with multiply-adds.
inline __m512 fold_8(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4e));
}
inline __m512 fold_4(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
inline __m512 fold_2(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_mask_blend_ps(0xcccc, a, b), _mm512_shuffle_ps(a, b, 0x4e));
}
inline __m512 fold_1(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}

// Lane i = the sum of the lanes of sums[i]; sums[0..15].
inline F32x16 sum_lanes(const F32x16* sums) {
  __m512 fours[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    fours[i] = fold_4(fold_8(sums[i].v, sums[i + 4].v), fold_8(sums[i + 8].v, sums[i + 12].v));
  return {fold_1(fold_2(fours[0], fours[1]), fold_2(fours[2], fours[3]))};
}

}  // namespace jsc::lanes_avx512
