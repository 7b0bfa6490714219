// The sums over samples, d_w and the row sums, over lanes; the bits are those of reference.hpp: 16 lanes
// inside a block of 512 samples, the fixed tree, blocks in ascending order. Lanes as in gemm_kernels.hpp.
//
// d_w goes block by block. In a block, tiles of R rows of a by C rows of b leave the 16 lanes of each sum in
// a scratch buffer, row after row of up to 16 columns; sum_sixteen then adds the lanes of 16 sums at once,
// and the sums stand, in this order, in a strip that the next block adds to. At the end the strip goes to c:
// (c + block 0) + block 1 would be other bits.
#pragma once

#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kGroup = 16;  // columns of c whose lanes are in the scratch buffer at once
constexpr std::ptrdiff_t kPartRows = 128,
                         kPartColumns = 512;  // of c whose sums are kept while the blocks pass

// The lanes of the sums of p's samples: R rows of a by rows of b, C at a time, `pitch` sums from a row to the
// next. They are worked through a register at a time (Part), since tiles of 16 lanes would not fit into
// AVX2's registers. `lanes` belongs to an even sum, and column is a multiple of 4, so that it is known here
// which of a pair of sums each is.
template <class Lanes, int R, int C>
[[gnu::noinline]] void lanes_tile(const TransposedArgs& p, std::ptrdiff_t row, std::ptrdiff_t column,
                                  std::ptrdiff_t columns, float* lanes, std::ptrdiff_t pitch) {
  using Part = typename Lanes::Part;
  const std::ptrdiff_t a_stride = p.a_stride, b_stride = p.b_stride;
  const std::ptrdiff_t whole = p.samples / 16 * 16, left = p.samples - whole;
  const float* const a = p.a + row * a_stride;
  const float* b = p.b + column * b_stride;
  for (std::ptrdiff_t n = 0; n < columns; n += C, b += C * b_stride, lanes += C * 16) {
    for (int part = 0; part < 16; part += Part::kLanes) {
      Part acc[R][C];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c] = Part::zero();
      for (std::ptrdiff_t s = part; s < whole; s += 16) {
        Part as[R];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) as[r] = Part::load(a + r * a_stride + s);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
          const Part bs = Part::load(b + c * b_stride + s);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) acc[r][c] = fma(as[r], bs, acc[r][c]);
        }
      }
      if (left > part) {
        Part as[R];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) as[r] = Part::load_first(a + r * a_stride + whole + part, left - part);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
          const Part bs = Part::load_first(b + c * b_stride + whole + part, left - part);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r)  // not just fma of zeros, which would turn a lane of -0 into 0
            acc[r][c] = select_first(left - part, fma(as[r], bs, acc[r][c]), acc[r][c]);
        }
      }
      float* to = lanes;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r, to += pitch * 16)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) Lanes::put_lanes(acc[r][c], to, c, part);
    }
  }
}

// lanes_tile by its rows and columns.
using LanesTile = void (*)(const TransposedArgs&, std::ptrdiff_t row, std::ptrdiff_t column,
                           std::ptrdiff_t columns, float*, std::ptrdiff_t pitch);
template <class Lanes, int... I>
LanesTile lanes_tile_of(std::ptrdiff_t rows, std::ptrdiff_t columns, std::integer_sequence<int, I...>) {
  constexpr int C = Lanes::kSumColumns;
  static constexpr LanesTile tiles[] = {lanes_tile<Lanes, I / C + 1, I % C + 1>...};
  return tiles[(rows - 1) * C + columns - 1];
}
template <class Lanes>
LanesTile lanes_tile_of(std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return lanes_tile_of<Lanes>(rows, columns,
                              std::make_integer_sequence<int, Lanes::kSumRows * Lanes::kSumColumns>());
}

// The rows and columns whose lanes are in the scratch buffer at once, and where their sums stand in the
// strip: from an even sum, since lanes are kept in pairs, and with its rows `pitch` sums apart.
struct SumTile {
  std::ptrdiff_t row, rows, column, columns, pitch;
  [[gnu::always_inline]] std::ptrdiff_t sums() const { return (rows * pitch + 15) / 16 * 16; }
};

// Calls visit(tile) for the tiles of m x n sums in their order: groups of kGroup columns, in them row tiles.
// The rows of b of a group stay in L1 while those of a stream past.
template <class Lanes, class Visit>
[[gnu::always_inline]] inline void for_each_tile(std::ptrdiff_t m, std::ptrdiff_t n, const Visit& visit) {
  const EvenSplit rows(m, Lanes::kSumRows);
  for (std::ptrdiff_t column = 0; column < n; column += kGroup) {
    const std::ptrdiff_t width = n - column < kGroup ? n - column : kGroup;
    for (std::ptrdiff_t i = 0, row = 0; i < rows.pieces; row += rows.size(i), ++i)
      visit(SumTile{row, rows.size(i), column, width, (width + 1) / 2 * 2});
  }
}

// The sums of one block: into the strip, or added to it.
template <class Lanes>
void reduce_block(const TransposedArgs& p, bool add, float* strip) {
  using F = typename Lanes::F;
  constexpr int C = Lanes::kSumColumns;
  static_assert(C == 4 || C == 2);
  alignas(64) float lanes[(Lanes::kSumRows * kGroup + 16) * 16];
  for_each_tile<Lanes>(p.m, p.n, [&](const SumTile& tile) {
    if (tile.pitch != tile.columns)  // the other sum of the last pair
      for (std::ptrdiff_t r = 0; r < tile.rows; ++r) {
        F::zero().store(lanes + ((r + 1) * tile.pitch - 2) * 16);
        F::zero().store(lanes + ((r + 1) * tile.pitch - 1) * 16);
      }
    for (std::ptrdiff_t i = tile.rows * tile.pitch; i < tile.sums(); ++i) F::zero().store(lanes + i * 16);
    const std::ptrdiff_t whole = tile.columns / C * C, left = tile.columns - whole;
    if (whole > 0) lanes_tile_of<Lanes>(tile.rows, C)(p, tile.row, tile.column, whole, lanes, tile.pitch);
    if (left > 0)
      lanes_tile_of<Lanes>(tile.rows, left)(p, tile.row, tile.column + whole, left, lanes + whole * 16,
                                            tile.pitch);
    for (std::ptrdiff_t i = 0; i < tile.sums(); i += 16, strip += 16) {
      const F sixteen = Lanes::sum_sixteen(lanes + i * 16);
      (add ? F::load(strip) + sixteen : sixteen).store(strip);
    }
  });
}

// A part of c small enough for the strip.
template <class Lanes>
void transposed_part(const TransposedArgs& p) {
  using F = typename Lanes::F;
  // A tile of rows is followed by up to 15 sums of nothing if its columns are fewer than a group, as they are
  // once.
  alignas(64) float strip[kPartRows * kPartColumns + kPartRows * 16];
  for (std::ptrdiff_t s = 0; s < p.samples; s += kBlock) {
    const std::ptrdiff_t samples = p.samples - s < kBlock ? p.samples - s : kBlock;
    reduce_block<Lanes>({p.a + s, p.a_stride, p.b + s, p.b_stride, nullptr, 0, p.m, p.n, samples, false},
                        s > 0, strip);
  }
  const float* from = strip;
  for_each_tile<Lanes>(p.m, p.n, [&](const SumTile& tile) {
    float* to = p.c + tile.row * p.c_stride + tile.column;
    for (std::ptrdiff_t r = 0; r < tile.rows; ++r, to += p.c_stride) {
      const F sums = F::load(from + r * tile.pitch);
      (p.accumulate ? F::load_first(to, tile.columns) + sums : sums).store_first(to, tile.columns);
    }
    from += tile.sums();
  });
}

template <class Lanes>
void product_transposed(const TransposedArgs& p) {
  if (p.m <= kPartRows && p.n <= kPartColumns) return transposed_part<Lanes>(p);
  for (std::ptrdiff_t j = 0; j < p.n; j += kPartColumns)
    for (std::ptrdiff_t i = 0; i < p.m; i += kPartRows)
      transposed_part<Lanes>({p.a + i * p.a_stride, p.a_stride, p.b + j * p.b_stride, p.b_stride,
                              p.c + i * p.c_stride + j, p.c_stride, p.m - i < kPartRows ? p.m - i : kPartRows,
                              p.n - j < kPartColumns ? p.n - j : kPartColumns, p.samples, p.accumulate});
}

template <class Lanes, int R>
void sum_tile(const SumArgs& p) {
  using F = typename Lanes::F;
  float total[R] = {};
  for (std::ptrdiff_t begin = 0; begin < p.samples; begin += kBlock) {
    const std::ptrdiff_t end = p.samples - begin < kBlock ? p.samples : begin + kBlock;
    F acc[R];
    for (int r = 0; r < R; ++r) acc[r] = F::zero();
    std::ptrdiff_t s = begin;
    for (; s + 16 <= end; s += 16)
      for (int r = 0; r < R; ++r) acc[r] = acc[r] + F::load(p.a + r * p.a_stride + s);
    if (s < end)  // a chain of additions from 0 never is -0, so that adding 0 changes nothing
      for (int r = 0; r < R; ++r) acc[r] = acc[r] + F::load_first(p.a + r * p.a_stride + s, end - s);
    for (int r = 0; r < R; ++r) total[r] = begin == 0 ? sum(acc[r]) : total[r] + sum(acc[r]);
  }
  for (int r = 0; r < R; ++r) p.sums[r] = p.accumulate ? p.sums[r] + total[r] : total[r];
}

template <class Lanes>
void sum_rows(const SumArgs& p) {
  constexpr int R = 4;  // chains of additions side by side
  SumArgs tile = p;
  std::ptrdiff_t r = 0;
  for (; r + R <= p.rows; r += R, tile.a += R * p.a_stride, tile.sums += R) sum_tile<Lanes, R>(tile);
  for (; r < p.rows; ++r, tile.a += p.a_stride, ++tile.sums) sum_tile<Lanes, 1>(tile);
}

}  // namespace jsc::kernels
