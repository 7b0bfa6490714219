// The random streams of engine/random.hpp over lanes: 16 Philox blocks side by side make the 64 positions of
// a group.
#pragma once

#include "engine/kernels/kernels.hpp"
#include "engine/kernels/math_lanes.hpp"

namespace jsc::kernels {

[[gnu::always_inline]] constexpr std::int32_t signed_word(std::uint64_t word) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(word));
}

// Words 0..3 of the 16 blocks of a group.
template <class I>
void philox_group(const RandomArgs& p, std::uint64_t group, I (&c)[4]) {
  const std::uint64_t block = group * 16;  // a group never straddles a carry into the high word
  c[0] = I::iota(signed_word(block));
  c[1] = I::set(signed_word(block >> 32));
  c[2] = I::set(signed_word(p.stream));
  c[3] = I::set(signed_word(p.stream >> 32));
  auto k0 = static_cast<std::uint32_t>(p.seed);
  auto k1 = static_cast<std::uint32_t>(p.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    I high0, low0, high1, low1;
    multiply_wide(c[0], I::set(signed_word(0xD2511F53)), high0, low0);
    multiply_wide(c[2], I::set(signed_word(0xCD9E8D57)), high1, low1);
    c[0] = high1 ^ c[1] ^ I::set(signed_word(k0));
    c[1] = low1;
    c[2] = high0 ^ c[3] ^ I::set(signed_word(k1));
    c[3] = low0;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
}

template <class Lanes>
void random_words(const RandomArgs& p, std::int32_t* out) {
  typename Lanes::I c[4];
  for (std::ptrdiff_t g = 0; g < p.groups; ++g) {
    philox_group(p, p.group + static_cast<std::uint64_t>(g), c);
    for (int w = 0; w < 4; ++w, out += 16) c[w].store(out);
  }
}

// uniform_below(stream, n, n) for the numbers n of the groups' blocks: the high half of n times words 0
// and 1. Where the low half is so small that it might have to be drawn again, which once in 2^32 it is,
// kDrawAgain.
template <class Lanes>
void random_picks(const RandomArgs& p, std::int32_t* out) {
  using I = typename Lanes::I;
  I c[4];
  for (std::ptrdiff_t g = 0; g < p.groups; ++g, out += 16) {
    const std::uint64_t group = p.group + static_cast<std::uint64_t>(g);
    philox_group(p, group, c);
    const I n = I::iota(signed_word(group * 16));
    I high0, low0, high1, low1;
    multiply_wide(c[0], n, high0, low0);
    multiply_wide(c[1], n, high1, low1);
    const I middle = low1 + high0;
    const I pick = high1 + select(below(middle, low1), I::set(1), I::set(0));
    select(middle == I::set(0), I::set(kDrawAgain), pick).store(out);
  }
}

template <class Lanes>
void random_uniform(const RandomArgs& p, const UniformRange& range, float* out) {
  using F = typename Lanes::F;
  using I = typename Lanes::I;
  I c[4];
  for (std::ptrdiff_t g = 0; g < p.groups; ++g) {
    philox_group(p, p.group + static_cast<std::uint64_t>(g), c);
    for (int w = 0; w < 4; ++w, out += 16) {
      const F u = to_float(shift_right<8>(c[w]) & I::set(0xffffff)) * F::set(0x1p-24F);
      min(fma(F::set(range.width), u, F::set(range.lo)), F::set(range.below_hi)).store(out);
    }
  }
}

// Box-Muller: with u in (0, 1] and an angle of t turns, r = sqrt(-2 log u) gives the two normals r cos and
// r sin. u = (31 bits + 1/2) 2^-31 reaches 2^-32, hence 6.66. The angle is all 32 bits, cut into a quarter
// turn q and a rest of at most an eighth, where Taylor polynomials of sin and cos are good to float32.
template <class F, class I>
void box_muller(I radius_word, I angle_word, F& first, F& second) {
  const F u = (to_float(shift_right<1>(radius_word) & I::set(0x7fffffff)) + F::set(0.5F)) * F::set(0x1p-31F);
  const F r = sqrt(F::set(-2.0F) * log_lanes(u));
  const I quarter = shift_right<30>(angle_word + I::set(1 << 29));
  const F a = to_float(angle_word - shift_left<30>(quarter)) * F::set(0x1.921fb6p-30F);  // 2 pi 2^-32
  const F s = a * a;
  F sine = fma(F::set(2.7557319e-6F), s, F::set(-1.9841270e-4F));
  sine = fma(sine, s, F::set(8.3333333e-3F));
  sine = fma(sine, s, F::set(-1.6666667e-1F));
  sine = fma(sine * s, a, a);
  F cosine = fma(F::set(2.4801587e-5F), s, F::set(-1.3888889e-3F));
  cosine = fma(cosine, s, F::set(4.1666667e-2F));
  cosine = fma(cosine, s, F::set(-0.5F));
  cosine = fma(cosine, s, F::set(1.0F));
  // Turning by a quarter takes (cos, sin) to (-sin, cos).
  const auto odd = (quarter & I::set(1)) == I::set(1);
  const F x = select(odd, sine, cosine), y = select(odd, cosine, sine);
  const I flip_x = shift_left<30>((quarter + I::set(1)) & I::set(2));
  const I flip_y = shift_left<30>(quarter & I::set(2));
  first = r * from_bits(bits(x) ^ flip_x);
  second = r * from_bits(bits(y) ^ flip_y);
}

template <class Lanes>
void random_normal(const RandomArgs& p, float* out) {
  using F = typename Lanes::F;
  typename Lanes::I c[4];
  for (std::ptrdiff_t g = 0; g < p.groups; ++g) {
    philox_group(p, p.group + static_cast<std::uint64_t>(g), c);
    for (int w = 0; w < 4; w += 2, out += 32) {
      F first, second;
      box_muller(c[w], c[w + 1], first, second);
      first.store(out);
      second.store(out + 16);
    }
  }
}

}  // namespace jsc::kernels
