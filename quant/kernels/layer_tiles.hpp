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

template <class L>
JSC_INLINE void store(std::int32_t* to, typename L::Signed v) {
  *reinterpret_cast<typename L::Signed*>(to) = v;
}
template <class L>
JSC_INLINE typename L::Signed load(const std::int32_t* from) {
  return *reinterpret_cast<const typename L::Signed*>(from);
}

// A row's first weight; those of the rows behind it follow, and kWeightRows on those of the next group.
JSC_INLINE const std::int32_t* weights_of(const std::int32_t* weights, Index row, Index groups) {
  return weights + row / kWeightRows * kWeightRows * groups + row % kWeightRows;
}

// Tiles have samples in their lanes and a row for each r ...
struct SamplesInLanes {
  template <class L>
  JSC_INLINE static typename L::Signed of_row(const std::int32_t* numbers, int r) {
    return broadcast<L>(numbers[r]);
  }
};

// ... or are of one sample, and every register has rows in its lanes.
struct RowsInLanes {
  template <class L>
  JSC_INLINE static typename L::Signed of_row(const std::int32_t* numbers, int r) {
    typename L::Signed v;
    __builtin_memcpy(&v, numbers + r * L::kLanes, sizeof v);
    return v;
  }
};

template <class Way, class L, int R, int C>
JSC_INLINE void apply(Tile<L, R, C>& tile, const LaneStep& step, Index row) {
  using Signed = typename L::Signed;
  const auto of_row = [&](const std::int32_t* numbers, int r) {
    return Way::template of_row<L>(numbers + row, r);
  };
  const Signed a = broadcast<L>(step.a), b = broadcast<L>(step.b);
  const int shift = step.shift;
  switch (step.operation) {
    case LaneOperation::multiply_add:
      return map(tile, [&](Signed v, int r) {
        return wrapped<L>(bits<L>(v) * bits<L>(of_row(step.weights, r)) + bits<L>(of_row(step.offsets, r)));
      });
    case LaneOperation::multiply_add_short:  // the high halves of the weights are 0
      return map(tile, [&](Signed v, int r) {
        return L::dot_shorts(of_row(step.offsets, r), v, of_row(step.weights, r) & 0xffff);
      });
    case LaneOperation::add:
      return map(tile, [&](Signed v, int r) { return plus<L>(v, of_row(step.offsets, r)); });
    case LaneOperation::shift_left:
      return map(tile, [&](Signed v, int) { return wrapped<L>(bits<L>(v) << shift); });
    case LaneOperation::shift_right:
      return map(tile, [&](Signed v, int) { return L::shift_right(v, shift); });
    case LaneOperation::round_sign:
      return map(tile,
                 [&](Signed v, int) { return L::shift_right(plus<L>(plus<L>(v, a), (v >> 31) & b), shift); });
    case LaneOperation::round_even:
      return map(tile, [&](Signed v, int) { return L::clear_lowest(L::shift_right(v, shift), v, a); });
    case LaneOperation::round_odd:
      return map(tile, [&](Signed v, int) { return L::shift_right(v, shift) | (((v & a) == a) & 1); });
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
JSC_INLINE typename L::Signed pair(typename L::Signed low, typename L::Signed high) {
  return (low & 0xffff) | wrapped<L>(bits<L>(high) << 16);
}

template <class L, int R, int C, class Use>
JSC_INLINE void each_four(const Tile<L, R, C>& tile, const Use& use) {
#pragma GCC unroll 4
  for (int r = 0; r < R; r += 4)
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) use(r, c, tile.v[r][c], tile.v[r + 1][c], tile.v[r + 2][c], tile.v[r + 3][c]);
}

template <class L, int R, int C>
JSC_INLINE void pack(SamplesInLanes, const Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
  using Signed = typename L::Signed;
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
        const Signed largest = broadcast<L>(a.largest * 0x01010101);
        return each_four<L>(tile, [&](int r, int c, Signed v0, Signed v1, Signed v2, Signed v3) {
          store<L>(at((row + r) / 4, c), L::min_bytes(L::pack_bytes(v0, v1, v2, v3), largest));
        });
      }
      return;
    case Packing::signed_bytes:
      if constexpr (L::kHasBytes) {
        const Signed sign = broadcast<L>(INT32_MIN | 0x00808080);
        return each_four<L>(tile, [&](int r, int c, Signed v0, Signed v1, Signed v2, Signed v3) {
          store<L>(at((row + r) / 4, c), L::pack_signed_bytes(v0, v1, v2, v3) ^ sign);
        });
      }
      return;
    case Packing::halves:
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store<L>(at(row + r, 0), pair<L>(tile.v[r][0], tile.v[r][C - 1]));
      return;
  }
}

// The lanes as numbers of type To, one after the other.
template <class To, class L>
JSC_INLINE void store_lanes(std::int32_t* y, Index first, typename L::Signed v) {
  using Lanes [[gnu::vector_size(sizeof(To) * L::kLanes)]] = To;
  const Lanes lanes = __builtin_convertvector(v, Lanes);
  __builtin_memcpy(reinterpret_cast<To*>(y) + first, &lanes, sizeof lanes);
}

template <class L, int R>
JSC_INLINE void pack(RowsInLanes, const Tile<L, R, 1>& tile, const LayerArguments& a, Index row, Index) {
  using Signed = typename L::Signed;
  const bool is_signed = a.packing == Packing::signed_bytes;
  const Signed lo = broadcast<L>(is_signed ? -128 : 0), hi = broadcast<L>(is_signed ? 127 : a.largest);
  for (int r = 0; r < R; ++r, row += L::kLanes) {
    const Signed v = tile.v[r][0];
    if (a.packing == Packing::words)
      store_lanes<std::int32_t, L>(a.y, row, v);
    else if (a.packing == Packing::shorts)
      store_lanes<std::int16_t, L>(a.y, row, v);
    else
      store_lanes<std::int8_t, L>(a.y, row, L::min(L::max(v, lo), hi) ^ (is_signed ? 128 : 0));
  }
}

// Sources: each fills a tile.
struct FromFloats {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    using Float = typename L::Float;
    const Float low = Float{} + a.low, high = Float{} + a.high;
    const float* from = a.floats + row * a.floats_stride + i;
    if (row + R <= a.groups && i + C * L::kLanes <= a.samples) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r, from += a.floats_stride)
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) {
          Float x;
          __builtin_memcpy(&x, from + c * L::kLanes, sizeof x);
          tile.v[r][c] = L::to_nearest(x * a.scale, low, high);
        }
      return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, from += a.floats_stride)
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) {
        const Index rest = a.samples - i - c * L::kLanes;
        Float x{};
        if (row + r < a.groups && rest > 0) x = L::load_floats(from + c * L::kLanes, rest);
        tile.v[r][c] = L::to_nearest(x * a.scale, low, high);
      }
  }
};

struct FromFloatsOfOne {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index) {
    using Float = typename L::Float;
    float rows[R * L::kLanes] = {};
    for (Index k = 0; k < R * L::kLanes && row + k < a.groups; ++k)
      rows[k] = a.floats[(row + k) * a.floats_stride];
    for (int r = 0; r < R; ++r) {
      Float x;
      __builtin_memcpy(&x, rows + r * L::kLanes, sizeof x);
      tile.v[r][0] = L::to_nearest(x * a.scale, Float{} + a.low, Float{} + a.high);
    }
  }
};

struct FromWordsOfOne {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index) {
    for (int r = 0; r < R; ++r) tile.v[r][0] = Way::template of_row<L>(a.x + row, r);
  }
};

struct FromWords {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        tile.v[r][c] = row + r < a.groups ? load<L>(a.x + (row + r) * a.x_stride + i + c * L::kLanes)
                                          : typename L::Signed{};
  }
};

// sums += W x over packed words; D::dot knows how a word is packed.
template <class D, class L, int R, int C>
JSC_INLINE void add_products(SamplesInLanes, Tile<L, R, C>& sums, const LayerArguments& a,
                             const std::int32_t* weights, Index row, Index i) {
  const std::int32_t* w = weights_of(weights, row, a.groups);
  const std::int32_t* from = a.x + i;
  for (Index g = 0; g < a.groups; ++g, from += a.x_stride, w += kWeightRows) {
    typename L::Signed x[C];
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) x[c] = load<L>(from + c * L::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const typename L::Signed weight = broadcast<L>(w[r]);
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) sums.v[r][c] = D::template dot<L>(sums.v[r][c], x[c], weight);
    }
  }
}

template <class D, class L, int R>
JSC_INLINE void add_products(RowsInLanes, Tile<L, R, 1>& sums, const LayerArguments& a,
                             const std::int32_t* weights, Index row, Index) {
  const std::int32_t* w[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) w[r] = weights_of(weights, row + r * L::kLanes, a.groups);
  for (Index g = 0; g < a.groups; ++g) {
    const typename L::Signed x = broadcast<L>(a.x[g]);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
      sums.v[r][0] = D::template dot<L>(sums.v[r][0], x, RowsInLanes::of_row<L>(w[r] + g * kWeightRows, 0));
  }
}

template <class Way, class L, int R, int C>
JSC_INLINE void start(Tile<L, R, C>& sums, const std::int32_t* bias, Index row) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) sums.v[r][c] = Way::template of_row<L>(bias + row, r);
}

template <class D>
struct Dot {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    start<Way>(tile, a.bias, row);
    add_products<D>(Way(), tile, a, a.weights, row, i);
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
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    Tile<L, R, C> low;
    start<Way>(tile, a.bias, row);
    start<Way>(low, a.low_bias, row);
    add_products<DotShorts>(Way(), tile, a, a.weights, row, i);
    add_products<DotShorts>(Way(), low, a, a.low_weights, row, i);
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
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    typename L::Signed sum[R];  // two samples a lane
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) sum[r] = broadcast<L>(a.bias[row + r]);
    const std::int32_t* w = weights_of(a.weights, row, a.groups);
    for (Index k = 0; k < a.groups; ++k, w += kWeightRows) {
      const typename L::Signed x = load<L>(a.x + k * a.x_stride + i);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sum[r] = L::add_halves(sum[r], L::multiply_high(x, broadcast<L>(w[r])));
    }
    if (a.low_weights != nullptr) {
      const std::int32_t* v = weights_of(a.low_weights, row, a.groups);
      for (Index k = 0; k < a.groups; ++k, v += kWeightRows) {
        const typename L::Signed x = load<L>(a.x + k * a.x_stride + i);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) sum[r] = L::add_halves(sum[r], L::multiply_low(x, broadcast<L>(v[r])));
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      tile.v[r][0] = wrapped<L>(bits<L>(sum[r]) << 16) >> 16;
      if constexpr (C == 2) tile.v[r][1] = sum[r] >> 16;
    }
  }
};

template <class Way, class Source, class L, int R, int C>
void run_rows(const LayerArguments& a, Index row, Index i) {
  Tile<L, R, C> tile;
  Source::template fill<Way>(tile, a, row, i);
  for (Index s = 0; s < a.step_count; ++s) apply<Way>(tile, a.steps[s], row);
  pack(Way(), tile, a, row, i);
}

// R is what the registers hold (C being 1 leaves room for twice as many); the rest of the rows goes by fours.
template <class Source, class L, int R, int C>
JSC_INLINE void run_columns(const LayerArguments& a, Index i) {
  Index row = 0;
  for (; row + R <= a.rows; row += R) run_rows<SamplesInLanes, Source, L, R, C>(a, row, i);
  for (; row < a.rows; row += 4) run_rows<SamplesInLanes, Source, L, 4, C>(a, row, i);
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

template <class Source, class L>
void run_one(const LayerArguments& a) {
  Index row = 0;
  for (; row + 2 * L::kLanes < a.rows; row += 4 * L::kLanes)
    run_rows<RowsInLanes, Source, L, 4, 1>(a, row, 0);
  if (row < a.rows) run_rows<RowsInLanes, Source, L, 2, 1>(a, row, 0);
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
constexpr LayerKernels layer_kernels_of() {
  LayerKernels kernels{{run_layer<FromFloats, L, 4>, run_layer<FromWords, L, 4>, nullptr,
                        run_layer<Dot<DotShorts>, L, L::kRows>, run_layer<DotSplit, L, 4>,
                        run_layer<AccumulateHalves, L, L::kRows>},
                       {run_one<FromFloatsOfOne, L>, run_one<FromWordsOfOne, L>, nullptr,
                        run_one<Dot<DotShorts>, L>, run_one<DotSplit, L>, nullptr},
                       argmax<L>};
  if constexpr (L::kHasBytes) {
    kernels.samples.dot_bytes = run_layer<Dot<DotBytes>, L, L::kRows>;
    kernels.one.dot_bytes = run_one<Dot<DotBytes>, L>;
  }
  return kernels;
}

#undef JSC_INLINE

}  // namespace
}  // namespace jsc
