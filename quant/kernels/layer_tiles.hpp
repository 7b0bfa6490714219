// The layers' loops, written once over lane types (layer_lanes_*.hpp) and compiled for each instruction set
// by the file that includes this; all in an unnamed namespace, and it calls nothing from outside.
#pragma once

#include "quant/kernels/layer_kernels.hpp"

namespace jsc {
namespace {

#define JSC_INLINE [[gnu::always_inline]] inline

// R features by C registers of samples.
template <class L, int R, int C>
struct Tile {
  typename L::Signed v[R][C];
};

template <class L>
JSC_INLINE typename L::Signed wrapped(typename L::Unsigned v) {
  return reinterpret_cast<typename L::Signed>(v);
}
template <class L>
JSC_INLINE typename L::Unsigned bits(typename L::Signed v) {
  return reinterpret_cast<typename L::Unsigned>(v);
}
template <class L>
JSC_INLINE typename L::Signed plus(typename L::Signed a, typename L::Signed b) {
  return wrapped<L>(bits<L>(a) + bits<L>(b));
}
template <class L>
JSC_INLINE typename L::Signed broadcast(std::int32_t word) {
  return typename L::Signed{} + word;
}

template <class L, int R, int C, class Map>
JSC_INLINE void map(Tile<L, R, C>& tile, const Map& f) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) tile.v[r][c] = f(tile.v[r][c], r);
}

template <class L, int R, int C>
JSC_INLINE void apply(Tile<L, R, C>& tile, const LaneStep& step, Index row) {
  using Signed = typename L::Signed;
  const Signed a = broadcast<L>(step.a), b = broadcast<L>(step.b);
  const int shift = step.shift, up = 31 - shift;
  switch (step.operation) {
    case LaneOperation::multiply_add:
      return map(tile, [&](Signed v, int r) {
        return wrapped<L>(bits<L>(v) * static_cast<std::uint32_t>(step.weights[row + r]) +
                          static_cast<std::uint32_t>(step.offsets[row + r]));
      });
    case LaneOperation::multiply_add_short:  // the high halves of the weights are 0
      return map(tile, [&](Signed v, int r) {
        return L::dot_shorts(broadcast<L>(step.offsets[row + r]), v,
                             broadcast<L>(step.weights[row + r] & 0xffff));
      });
    case LaneOperation::add:
      return map(tile, [&](Signed v, int r) { return plus<L>(v, broadcast<L>(step.offsets[row + r])); });
    case LaneOperation::shift_left:
      return map(tile, [&](Signed v, int) { return wrapped<L>(bits<L>(v) << shift); });
    case LaneOperation::round:
      return map(tile, [&](Signed v, int) { return plus<L>(v, a) >> shift; });
    case LaneOperation::round_sign:
      return map(tile, [&](Signed v, int) { return plus<L>(plus<L>(v, a), (v >> 31) & b) >> shift; });
    case LaneOperation::round_even:  // -q is that bit, shifted to the top and then all the way down
      return map(tile, [&](Signed v, int) {
        const Signed minus_q = wrapped<L>(bits<L>(v) << up) >> 31;
        return wrapped<L>(bits<L>(plus<L>(v, a)) - bits<L>(minus_q)) >> shift;
      });
    case LaneOperation::round_odd:
      return map(tile, [&](Signed v, int) {
        const Signed minus_q = wrapped<L>(bits<L>(v) << up) >> 31;
        return plus<L>(plus<L>(v, a), minus_q) >> shift;
      });
    case LaneOperation::clamp:
      return map(tile, [&](Signed v, int) { return L::min(L::max(v, a), b); });
    case LaneOperation::wrap:
      return map(tile, [&](Signed v, int) { return wrapped<L>(bits<L>(v) << shift) >> shift; });
    case LaneOperation::mask:
      return map(tile, [&](Signed v, int) { return v & a; });
    case LaneOperation::zero_outside:
      return map(tile, [&](Signed v, int) { return (v >= a) & (v <= b) & v; });
  }
}

template <class L>
JSC_INLINE void store(std::int32_t* to, typename L::Signed v) {
  *reinterpret_cast<typename L::Signed*>(to) = v;
}
template <class L>
JSC_INLINE typename L::Signed load(const std::int32_t* from) {
  return *reinterpret_cast<const typename L::Signed*>(from);
}

template <class L>
JSC_INLINE typename L::Signed pair(typename L::Signed low, typename L::Signed high) {
  return (low & 0xffff) | wrapped<L>(bits<L>(high) << 16);
}

template <class L, int R, int C>
JSC_INLINE void pack(const Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
  const auto at = [&](Index group, int c) { return a.y + group * a.y_stride + i + c * L::kLanes; };
  switch (a.packing) {
    case Packing::words:
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) store<L>(at(row + r, c), tile.v[r][c]);
      return;
    case Packing::shorts:
#pragma GCC unroll 8
      for (int r = 0; r < R; r += 2)
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) store<L>(at((row + r) / 2, c), pair<L>(tile.v[r][c], tile.v[r + 1][c]));
      return;
    case Packing::bytes:
      if constexpr (L::kHasBytes) {
#pragma GCC unroll 4
        for (int r = 0; r < R; r += 4)
#pragma GCC unroll 2
          for (int c = 0; c < C; ++c)
            store<L>(at((row + r) / 4, c),
                     L::pack_bytes(tile.v[r][c], tile.v[r + 1][c], tile.v[r + 2][c], tile.v[r + 3][c]));
      }
      return;
    case Packing::halves:
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store<L>(at(row + r, 0), pair<L>(tile.v[r][0], tile.v[r][C - 1]));
      return;
  }
}

template <class L, int R, int C>
JSC_INLINE void finish(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
  for (Index s = 0; s < a.step_count; ++s) apply(tile, a.steps[s], row);
  pack(tile, a, row, i);
}

// Sources: each fills a tile.
struct FromFloats {
  template <class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    using Float = typename L::Float;
    // Adding 1.5 * 2^23 rounds to an integer, half to even, and leaves it in the low bits of the sum.
    constexpr float kMagic = 0x1.8p23F;
    const std::int32_t magic = __builtin_bit_cast(std::int32_t, kMagic);
    const Float low = Float{} + a.low, high = Float{} + a.high;
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) {
        const Index first = i + c * L::kLanes;
        Float x{};
        if (row + r < a.groups && first < a.samples)
          x = L::load_floats(a.floats + (row + r) * a.floats_stride + first, a.samples - first);
        x *= a.scale;
        x = x == x ? x : Float{};
        x = x < low ? low : x;
        x = x > high ? high : x;
        tile.v[r][c] = reinterpret_cast<typename L::Signed>(x + kMagic) - magic;
      }
  }
};

struct FromWords {
  template <class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        tile.v[r][c] = row + r < a.groups ? load<L>(a.x + (row + r) * a.x_stride + i + c * L::kLanes)
                                          : typename L::Signed{};
  }
};

// sums += W x over packed words; D::dot knows how a word is packed.
template <class D, class L, int R, int C>
JSC_INLINE void add_products(Tile<L, R, C>& sums, const LayerArguments& a, const std::int32_t* weights,
                             Index row, Index i) {
  const std::int32_t* w = weights + row * a.groups;
  const std::int32_t* from = a.x + i;
  for (Index g = 0; g < a.groups; ++g, from += a.x_stride) {
    typename L::Signed x[C];
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) x[c] = load<L>(from + c * L::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const typename L::Signed weight = broadcast<L>(w[r * a.groups + g]);
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) sums.v[r][c] = D::template dot<L>(sums.v[r][c], x[c], weight);
    }
  }
}

template <class L, int R, int C>
JSC_INLINE void start(Tile<L, R, C>& sums, const std::int32_t* bias, Index row) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) sums.v[r][c] = broadcast<L>(bias[row + r]);
}

template <class D>
struct Dot {
  template <class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    start(tile, a.bias, row);
    add_products<D>(tile, a, a.weights, row, i);
  }
};

struct DotShorts {
  template <class L>
  JSC_INLINE static typename L::Signed dot(typename L::Signed sum, typename L::Signed x,
                                           typename L::Signed w) {
    return L::dot_shorts(sum, x, w);
  }
};

struct DotBytes {
  template <class L>
  JSC_INLINE static typename L::Signed dot(typename L::Signed sum, typename L::Signed x,
                                           typename L::Signed w) {
    return L::dot_bytes(sum, x, w);
  }
};

struct DotSplit {
  template <class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    Tile<L, R, C> low;
    start(tile, a.bias, row);
    start(low, a.low_bias, row);
    add_products<DotShorts>(tile, a, a.weights, row, i);
    add_products<DotShorts>(low, a, a.low_weights, row, i);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) {
        const typename L::Signed l = low.v[r][c];
        const typename L::Signed inexact = ((l & 255) + 255) >> 8;
        tile.v[r][c] = wrapped<L>(bits<L>(plus<L>(tile.v[r][c], l >> 8)) << 1) | inexact;
      }
  }
};

struct AccumulateHalves {
  template <class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    typename L::Signed sum[R];  // two samples a lane
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) sum[r] = broadcast<L>(a.bias[row + r]);
    const std::int32_t* w = a.weights + row * a.groups;
    for (Index k = 0; k < a.groups; ++k) {
      const typename L::Signed x = load<L>(a.x + k * a.x_stride + i);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
        sum[r] = L::add_halves(sum[r], L::multiply_high(x, broadcast<L>(w[r * a.groups + k])));
    }
    if (a.low_weights != nullptr) {
      const std::int32_t* v = a.low_weights + row * a.groups;
      for (Index k = 0; k < a.groups; ++k) {
        const typename L::Signed x = load<L>(a.x + k * a.x_stride + i);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
          sum[r] = L::add_halves(sum[r], L::multiply_low(x, broadcast<L>(v[r * a.groups + k])));
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      tile.v[r][0] = wrapped<L>(bits<L>(sum[r]) << 16) >> 16;
      if constexpr (C == 2) tile.v[r][1] = sum[r] >> 16;
    }
  }
};

template <class Source, class L, int R, int C>
void run_rows(const LayerArguments& a, Index row, Index i) {
  Tile<L, R, C> tile;
  Source::fill(tile, a, row, i);
  finish(tile, a, row, i);
}

// R is what the registers hold (C being 1 leaves room for twice as many); the rest of the rows goes by fours.
template <class Source, class L, int R, int C>
JSC_INLINE void run_columns(const LayerArguments& a, Index i) {
  Index row = 0;
  for (; row + R <= a.rows; row += R) run_rows<Source, L, R, C>(a, row, i);
  for (; row < a.rows; row += 4) run_rows<Source, L, 4, C>(a, row, i);
}

// Pairs of registers, and one where one is enough: every layer cuts the samples in the same way, which
// Packing::halves relies on.
template <class Source, class L, int R>
void run_layer(const LayerArguments& a) {
  for (Index i = 0; i < a.samples; i += 2 * L::kLanes)
    if (a.samples - i > L::kLanes)
      run_columns<Source, L, R, 2>(a, i);
    else
      run_columns<Source, L, 2 * R, 1>(a, i);
}

template <class L>
void argmax(Index rows, Index samples, const std::int32_t* x, Index x_stride, std::int32_t* classes) {
  using Signed = typename L::Signed;
  for (Index i = 0; i < samples; i += L::kLanes) {
    Signed largest = load<L>(x + i), best{};
    for (Index row = 1; row < rows; ++row) {
      const Signed candidate = load<L>(x + row * x_stride + i);
      const Signed larger = candidate > largest;
      best = larger ? broadcast<L>(static_cast<std::int32_t>(row)) : best;
      largest = L::max(largest, candidate);
    }
    const Index count = samples - i < L::kLanes ? samples - i : L::kLanes;
    std::int32_t lanes[L::kLanes];
    __builtin_memcpy(lanes, &best, sizeof lanes);
    for (Index lane = 0; lane < count; ++lane) classes[i + lane] = lanes[lane];
  }
}

template <class L>
constexpr LayerKernel dot_bytes_of() {
  if constexpr (L::kHasBytes)
    return run_layer<Dot<DotBytes>, L, L::kRows>;
  else
    return nullptr;
}

template <class L>
constexpr LayerKernels layer_kernels_of() {
  return {run_layer<FromFloats, L, 4>,
          run_layer<FromWords, L, 4>,
          dot_bytes_of<L>(),
          run_layer<Dot<DotShorts>, L, L::kRows>,
          run_layer<DotSplit, L, 4>,
          run_layer<AccumulateHalves, L, L::kRows>,
          argmax<L>};
}

#undef JSC_INLINE

}  // namespace
}  // namespace jsc
