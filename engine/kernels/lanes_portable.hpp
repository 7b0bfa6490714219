// Sixteen float32 lanes in plain C++: the meaning of the lane types, and the path for processors without
// AVX2.
//
// Each lanes_*.hpp defines the same types, F32x16, I32x16 and Mask16, in a namespace of its own, so that a
// kernel template written once over them gives the same bits on each path: every operation below is one IEEE
// operation a lane.
//   max(a, b) = a > b ? a : b and min(a, b) = a < b ? a : b, lane by lane (b where a lane is NaN, as x86
//   does). sum(v) adds the lanes in the fixed tree ((l0+l8)+(l4+l12))+((l2+l10)+(l6+l14)) + the same over odd
//   lanes.
// Only kernel sources include a lanes header: one ISA a file.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/kernels/plain_divisor.hpp"

namespace jsc::lanes_portable {

struct Mask16 {
  bool v[16];
};

struct I32x16 {
  std::int32_t v[16];
  static I32x16 set(std::int32_t s) {
    I32x16 r;
    for (int i = 0; i < 16; ++i) r.v[i] = s;
    return r;
  }
  static I32x16 load(const std::int32_t* p) {
    I32x16 r;
    std::memcpy(r.v, p, sizeof r.v);
    return r;
  }
  void store(std::int32_t* p) const { std::memcpy(p, v, sizeof v); }
  static I32x16 iota(std::int32_t first) {  // first, first + 1, ...
    I32x16 r;
    for (int i = 0; i < 16; ++i) r.v[i] = first + i;
    return r;
  }
};

struct F32x16 {
  static constexpr int kLanes = 16;
  float v[16];
  static F32x16 zero() { return set(0.0F); }
  static F32x16 set(float s) {
    F32x16 r;
    for (int i = 0; i < 16; ++i) r.v[i] = s;
    return r;
  }
  static F32x16 load(const float* p) {
    F32x16 r;
    std::memcpy(r.v, p, sizeof r.v);
    return r;
  }
  void store(float* p) const { std::memcpy(p, v, sizeof v); }
  // Lanes 0..n-1 only, the rest of the memory untouched and of the register 0; n may be below 0 or above 16.
  static F32x16 load_first(const float* p, std::ptrdiff_t n) {
    F32x16 r;
    for (int i = 0; i < 16; ++i) r.v[i] = i < n ? p[i] : 0.0F;
    return r;
  }
  void store_first(float* p, std::ptrdiff_t n) const {
    for (int i = 0; i < 16 && i < n; ++i) p[i] = v[i];
  }
};

#define JSC_LANEWISE(Result, expression)            \
  Result r;                                         \
  for (int i = 0; i < 16; ++i) r.v[i] = expression; \
  return r

inline F32x16 operator+(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] + b.v[i]);
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] - b.v[i]);
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] * b.v[i]);
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] / b.v[i]);
}
using Divisor = PlainDivisor<F32x16>;
using Total = PlainTotal<F32x16>;
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  JSC_LANEWISE(F32x16, std::fma(a.v[i], b.v[i], c.v[i]));
}  // a·b + c, one rounding
inline F32x16 max(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
inline F32x16 min(F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
inline F32x16 sqrt(F32x16 a) {
  JSC_LANEWISE(F32x16, std::sqrt(a.v[i]));
}
inline F32x16 abs(F32x16 a) {
  JSC_LANEWISE(F32x16, std::fabs(a.v[i]));
}
inline F32x16 round_even(F32x16 a) {
  JSC_LANEWISE(F32x16, std::nearbyint(a.v[i]));
}  // to an integer, ties to even

inline Mask16 operator<(F32x16 a, F32x16 b) {
  JSC_LANEWISE(Mask16, a.v[i] < b.v[i]);
}
inline Mask16 operator<=(F32x16 a, F32x16 b) {
  JSC_LANEWISE(Mask16, a.v[i] <= b.v[i]);
}
inline Mask16 operator==(F32x16 a, F32x16 b) {
  JSC_LANEWISE(Mask16, a.v[i] == b.v[i]);
}
inline Mask16 operator==(I32x16 a, I32x16 b) {
  JSC_LANEWISE(Mask16, a.v[i] == b.v[i]);
}
inline Mask16 below(I32x16 a, I32x16 b) {  // as unsigned numbers
  JSC_LANEWISE(Mask16, static_cast<std::uint32_t>(a.v[i]) < static_cast<std::uint32_t>(b.v[i]));
}
inline Mask16 operator&(Mask16 a, Mask16 b) {
  JSC_LANEWISE(Mask16, a.v[i] && b.v[i]);
}
inline Mask16 first_lanes(int n) {
  JSC_LANEWISE(Mask16, i < n);
}  // lanes 0..n-1; n may be 0 or 16
inline int count(Mask16 m) {
  int n = 0;
  for (int i = 0; i < 16; ++i) n += m.v[i] ? 1 : 0;
  return n;
}
inline F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  JSC_LANEWISE(F32x16, m.v[i] ? a.v[i] : b.v[i]);
}  // m ? a : b
inline I32x16 select(Mask16 m, I32x16 a, I32x16 b) {
  JSC_LANEWISE(I32x16, m.v[i] ? a.v[i] : b.v[i]);
}

inline I32x16 operator+(I32x16 a, I32x16 b) {
  JSC_LANEWISE(I32x16, static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) +
                                                 static_cast<std::uint32_t>(b.v[i])));
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  JSC_LANEWISE(I32x16, static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) -
                                                 static_cast<std::uint32_t>(b.v[i])));
}
inline I32x16 operator&(I32x16 a, I32x16 b) {
  JSC_LANEWISE(I32x16, a.v[i] & b.v[i]);
}
inline I32x16 operator^(I32x16 a, I32x16 b) {
  JSC_LANEWISE(I32x16, a.v[i] ^ b.v[i]);
}
// The 64-bit products of unsigned lanes.
inline void multiply_wide(I32x16 a, I32x16 b, I32x16& high, I32x16& low) {
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t product =
        std::uint64_t{static_cast<std::uint32_t>(a.v[i])} * static_cast<std::uint32_t>(b.v[i]);
    high.v[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(product >> 32));
    low.v[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(product));
  }
}
template <int n>
I32x16 shift_left(I32x16 a) {
  JSC_LANEWISE(I32x16, static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) << n));
}
template <int n>
I32x16 shift_right(I32x16 a) {  // arithmetic
  JSC_LANEWISE(I32x16, a.v[i] >> n);
}
inline F32x16 to_float(I32x16 a) {
  JSC_LANEWISE(F32x16, static_cast<float>(a.v[i]));
}
inline I32x16 to_int(F32x16 a) {
  JSC_LANEWISE(I32x16, static_cast<std::int32_t>(a.v[i]));
}  // toward zero; must be in range
inline I32x16 bits(F32x16 a) {
  JSC_LANEWISE(I32x16, std::bit_cast<std::int32_t>(a.v[i]));
}
inline F32x16 from_bits(I32x16 a) {
  JSC_LANEWISE(F32x16, std::bit_cast<float>(a.v[i]));
}

#undef JSC_LANEWISE

inline F32x16 select_first(std::ptrdiff_t n, F32x16 a, F32x16 b) {
  for (int i = 0; i < 16; ++i) a.v[i] = i < n ? a.v[i] : b.v[i];
  return a;
}

// Lane j of row i becomes lane i of row j.
inline void transpose(F32x16 (&m)[16]) {
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < i; ++j) {
      const float t = m[i].v[j];
      m[i].v[j] = m[j].v[i];
      m[j].v[i] = t;
    }
}

// Lane j of m[i] = rows[j][i].
inline void load_columns(const float* const (&rows)[16], F32x16 (&m)[16]) {
  for (int i = 0; i < 16; ++i) m[i] = F32x16::load(rows[i]);
  transpose(m);
}

inline float sum(F32x16 a) {
  float x[8], y[4];
  for (int i = 0; i < 8; ++i) x[i] = a.v[i] + a.v[i + 8];
  for (int i = 0; i < 4; ++i) y[i] = x[i] + x[i + 4];
  return (y[0] + y[2]) + (y[1] + y[3]);
}

// Lane i = the sum of the lanes of sums[i]; sums[0..15].
inline F32x16 sum_lanes(const F32x16* sums) {
  F32x16 all;
  for (int i = 0; i < 16; ++i) all.v[i] = sum(sums[i]);
  return all;
}

}  // namespace jsc::lanes_portable
