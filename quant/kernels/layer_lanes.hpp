// Lanes of any width in the compiler's vector types, with the operations that need no instruction of their
// own; each instruction set adds or replaces what it has better (layer_kernels_*.cpp).
#pragma once

#include <cstdint>

#include "engine/tensor.hpp"

namespace jsc {
namespace {

template <int kBytes>
struct VectorLanes {
  using Signed [[gnu::vector_size(kBytes)]] = std::int32_t;
  using Unsigned [[gnu::vector_size(kBytes)]] = std::uint32_t;
  using Float [[gnu::vector_size(kBytes)]] = float;
  using Halves [[gnu::vector_size(kBytes)]] = std::int16_t;
  using UnsignedHalves [[gnu::vector_size(kBytes)]] = std::uint16_t;
  static constexpr Index kLanes = kBytes / 4;
  static constexpr bool kHasBytes = false;

  // The first `count` floats, or all that there is room for; the rest is 0.
  static Float load_floats(const float* from, Index count) {
    float lanes[kLanes] = {};
    for (Index lane = 0; lane < kLanes && lane < count; ++lane) lanes[lane] = from[lane];
    Float x;
    __builtin_memcpy(&x, count >= kLanes ? from : lanes, sizeof x);
    return x;
  }
  static Signed shift_right(Signed v, int shift) { return v >> shift; }
  // v, its lowest bit 0 where bits & mask is 0.
  static Signed clear_lowest(Signed v, Signed bits, Signed mask) { return v & ~(((bits & mask) == 0) & 1); }
  // Rounded half to even, within [low, high], which 22 bits hold; NaN gives 0.
  static Signed to_nearest(Float x, Float low, Float high) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum.
    constexpr float kMagic = 0x1.8p23F;
    x = x == x ? x : Float{};
    x = x < low ? low : x;
    x = x > high ? high : x;
    return reinterpret_cast<Signed>(x + kMagic) - __builtin_bit_cast(std::int32_t, kMagic);
  }
  static Signed min(Signed a, Signed b) { return a < b ? a : b; }
  static Signed max(Signed a, Signed b) { return a > b ? a : b; }
  // Two samples or features a lane.
  static Signed add_halves(Signed a, Signed b) {
    return reinterpret_cast<Signed>(reinterpret_cast<UnsignedHalves>(a) +
                                    reinterpret_cast<UnsignedHalves>(b));
  }
  static Signed low(Signed v) { return reinterpret_cast<Signed>(reinterpret_cast<Unsigned>(v) << 16) >> 16; }
  // sum + the sum of the two products, modulo 2^32
  static Signed dot_shorts(Signed sum, Signed x, Signed w) {
    const Unsigned a = reinterpret_cast<Unsigned>(low(x)) * reinterpret_cast<Unsigned>(low(w));
    const Unsigned b = reinterpret_cast<Unsigned>(x >> 16) * reinterpret_cast<Unsigned>(w >> 16);
    return reinterpret_cast<Signed>(reinterpret_cast<Unsigned>(sum) + a + b);
  }
  // The high and the low 16 bits of each half's product.
  static Signed multiply_high(Signed x, Signed w) {
    const Signed high = (x >> 16) * (w >> 16);
    const Signed of_low = (low(x) * low(w)) >> 16;
    return (of_low & 0xffff) | (high & ~0xffff);
  }
  static Signed multiply_low(Signed x, Signed w) {
    return reinterpret_cast<Signed>(reinterpret_cast<UnsignedHalves>(x) *
                                    reinterpret_cast<UnsignedHalves>(w));
  }
};

}  // namespace
}  // namespace jsc
