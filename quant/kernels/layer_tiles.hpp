// Tiles of a layer's numbers, the steps that follow its sums, and how the results are packed: for
// layer_loops.hpp, and written as it is.
#pragma once

#include "quant/kernels/layer_kernels.hpp"

namespace jsc {
namespace {

#define JSC_INLINE [[gnu::always_inline]] inline  // layer_loops.hpp takes it back

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
        const Signed largest =
            broadcast<L>(static_cast<std::int32_t>(static_cast<std::uint32_t>(a.largest) * 0x01010101U));
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

}  // namespace
}  // namespace jsc
