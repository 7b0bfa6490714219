// The layers' loops, written once over lane types (layer_lanes_*.hpp) and compiled for each instruction set
// by the file that includes this; all in an unnamed namespace, and it calls nothing from outside.
#pragma once

#include "quant/kernels/layer_tiles.hpp"

namespace jsc {
namespace {

// Sources: each fills a tile.
struct FromFloats {
  template <class Way, class L, int R, int C>
  JSC_INLINE static void fill(Tile<L, R, C>& tile, const LayerArguments& a, Index row, Index i) {
    using Float = typename L::Float;
    const Float low = Float{} + a.low, high = Float{} + a.high;
    const auto quantize = [&](const auto& read) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) tile.v[r][c] = L::to_nearest(read(r, c * L::kLanes) * a.scale, low, high);
    };
    const auto at = [&](int r, int column) { return a.floats + (row + r) * a.floats_stride + i + column; };
    if (row + R <= a.groups && i + C * L::kLanes <= a.samples)
      return quantize([&](int r, int column) {
        Float x;
        __builtin_memcpy(&x, at(r, column), sizeof x);
        return x;
      });
    quantize([&](int r, int column) {
      const Index rest = a.samples - i - column;
      return row + r < a.groups && rest > 0 ? L::load_floats(at(r, column), rest) : Float{};
    });
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
    const auto add = [&](const std::int32_t* weights, auto multiply) __attribute__((always_inline)) {
      if (weights == nullptr) return;
      const std::int32_t* w = weights_of(weights, row, a.groups);
      for (Index k = 0; k < a.groups; ++k, w += kWeightRows) {
        const typename L::Signed x = load<L>(a.x + k * a.x_stride + i);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) sum[r] = L::add_halves(sum[r], multiply(x, broadcast<L>(w[r])));
      }
    };
    add(a.weights, [](auto x, auto w) { return L::multiply_high(x, w); });
    add(a.low_weights, [](auto x, auto w) { return L::multiply_low(x, w); });
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
