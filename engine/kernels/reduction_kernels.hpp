// The sums over samples, d_w and the row sums, over lanes; the bits are those of reference.hpp: 16 lanes
// inside a block of 512 samples, the fixed tree, blocks in ascending order. Lanes as in gemm_kernels.hpp.
//
// d_w goes block by block. In a block, tiles of R rows of a by C rows of b leave the 16 lanes of each sum in
// a scratch buffer; sum_sixteen then adds the lanes of 16 sums at once, and the sums stand, in the order of
// the tiles, in a strip that the next block adds to. At the end the strip goes to c: (c + block 0) + block 1
// would be other bits.
#pragma once

#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kBlock = 512;   // samples of a reduction block: kSampleBlock of threads.hpp
constexpr std::ptrdiff_t kGroup = 16;    // columns of c whose lanes are in the scratch buffer at once
constexpr std::ptrdiff_t kStrip = 8192;  // sums kept while the blocks pass: 32 KiB of stack

// The lanes of the sums of p's samples: R rows of a by rows of b, C at a time; to lanes[columns /
// C][R][C][16]. They are worked through a register at a time (Part), since tiles of 16 lanes would not fit
// into AVX2's registers.
template <class Lanes, int R, int C>
[[gnu::noinline]] void lanes_tile(const TransposedArgs& p, std::ptrdiff_t row, std::ptrdiff_t column,
                                  std::ptrdiff_t columns, float* lanes) {
  using F = typename Lanes::F;
  using Part = typename Lanes::Part;
  const std::ptrdiff_t a_stride = p.a_stride, b_stride = p.b_stride;
  const std::ptrdiff_t whole = p.samples / 16 * 16, left = p.samples - whole;
  const float* const a = p.a + row * a_stride;
  const float* b = p.b + column * b_stride;
  for (std::ptrdiff_t n = 0; n < columns; n += C, b += C * b_stride, lanes += R * C * 16) {
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
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c].store(lanes + (r * C + c) * 16 + part);
    }
    if (left > 0)
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) {
          const F as = F::load_first(a + r * a_stride + whole, left);
          const F bs = F::load_first(b + c * b_stride + whole, left);
          float* const to = lanes + (r * C + c) * 16;
          const F acc = F::load(to);
          // Not just fma of zeros, which would turn a lane of -0 into 0.
          select(Lanes::first(left), fma(as, bs, acc), acc).store(to);
        }
  }
}

// Sums in the order of lanes_tile's to c, or added to it.
template <class Lanes, int R, int C>
[[gnu::noinline]] void deliver_tile(const TransposedArgs& p, std::ptrdiff_t row, std::ptrdiff_t column,
                                    std::ptrdiff_t columns, const float* sums) {
  const std::ptrdiff_t stride = p.c_stride;
  const bool accumulate = p.accumulate;
  float* to = p.c + row * stride + column;
  for (std::ptrdiff_t n = 0; n < columns; n += C, to += C)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, sums += C) {
      float* __restrict const into = to + r * stride;
      const float* __restrict const from = sums;
      if (accumulate)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) into[c] = into[c] + from[c];
      else
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) into[c] = from[c];
    }
}

// The two functions of a tile, by its rows and columns.
struct ReductionTile {
  void (*lanes)(const TransposedArgs&, std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t columns,
                float*);
  void (*deliver)(const TransposedArgs&, std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t columns,
                  const float*);
};
template <class Lanes, int... I>
const ReductionTile& reduction_tile(std::ptrdiff_t rows, std::ptrdiff_t columns,
                                    std::integer_sequence<int, I...>) {
  constexpr int C = Lanes::kSumColumns;
  static constexpr ReductionTile tiles[] = {
      {lanes_tile<Lanes, I / C + 1, I % C + 1>, deliver_tile<Lanes, I / C + 1, I % C + 1>}...};
  return tiles[(rows - 1) * C + columns - 1];
}
template <class Lanes>
const ReductionTile& reduction_tile(std::ptrdiff_t rows, std::ptrdiff_t columns) {
  return reduction_tile<Lanes>(rows, columns,
                               std::make_integer_sequence<int, Lanes::kSumRows * Lanes::kSumColumns>());
}

// Calls visit(tile, row, column, columns, sums) for the tiles of m x n sums in their order: groups of kGroup
// columns, in them row tiles, in them runs of column tiles of one width; then at_end(sums), how many they
// were, after the row tile. The rows of b of a group stay in L1 while those of a stream past.
template <class Lanes, class Visit, class AtEnd>
[[gnu::always_inline]] inline void for_each_tile(std::ptrdiff_t m, std::ptrdiff_t n, const Visit& visit,
                                                 const AtEnd& at_end) {
  const EvenSplit rows(m, Lanes::kSumRows);
  for (std::ptrdiff_t column = 0; column < n; column += kGroup) {
    const std::ptrdiff_t width = n - column < kGroup ? n - column : kGroup;
    const EvenSplit columns(width, Lanes::kSumColumns);
    const std::ptrdiff_t wider = columns.larger * (columns.small + 1);
    for (std::ptrdiff_t i = 0, row = 0; i < rows.pieces; row += rows.size(i), ++i) {
      const std::ptrdiff_t height = rows.size(i);
      if (wider > 0)
        visit(reduction_tile<Lanes>(height, columns.small + 1), row, column, wider, height * wider);
      visit(reduction_tile<Lanes>(height, columns.small), row, column + wider, width - wider,
            height * (width - wider));
      at_end(height * width);
    }
  }
}

// The sums of one block: into the strip, or added to it.
template <class Lanes>
void reduce_block(const TransposedArgs& p, bool add, float* strip) {
  using F = typename Lanes::F;
  alignas(64) float lanes[(Lanes::kSumRows * kGroup + 16) * 16];
  float* to = lanes;
  for_each_tile<Lanes>(
      p.m, p.n,
      [&](const ReductionTile& tile, std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t columns,
          std::ptrdiff_t sums) {
        tile.lanes(p, row, column, columns, to);
        to += sums * 16;
      },
      [&](std::ptrdiff_t sums) {
        for (std::ptrdiff_t i = sums; i % 16 != 0; ++i, to += 16) F::zero().store(to);
        to = lanes;
        for (std::ptrdiff_t i = 0; i < sums; i += 16, strip += 16) {
          const F sixteen = Lanes::sum_sixteen(lanes + i * 16);
          (add ? F::load(strip) + sixteen : sixteen).store(strip);
        }
      });
}

// A part of c small enough for the strip.
template <class Lanes>
void transposed_part(const TransposedArgs& p) {
  alignas(64) float strip[kStrip];
  for (std::ptrdiff_t s = 0; s < p.samples; s += kBlock) {
    const std::ptrdiff_t samples = p.samples - s < kBlock ? p.samples - s : kBlock;
    reduce_block<Lanes>({p.a + s, p.a_stride, p.b + s, p.b_stride, nullptr, 0, p.m, p.n, samples, false},
                        s > 0, strip);
  }
  const float *from = strip, *next = strip;
  for_each_tile<Lanes>(
      p.m, p.n,
      [&](const ReductionTile& tile, std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t columns,
          std::ptrdiff_t sums) {
        tile.deliver(p, row, column, columns, from);
        from += sums;
      },
      [&](std::ptrdiff_t sums) { from = next += (sums + 15) / 16 * 16; });
}

template <class Lanes>
void product_transposed(const TransposedArgs& p) {
  const std::ptrdiff_t width = p.n < kStrip / 16 ? p.n : kStrip / 16;
  const std::ptrdiff_t height = kStrip / ((width + 15) / 16 * 16);
  if (p.m <= height && p.n <= width) return transposed_part<Lanes>(p);
  for (std::ptrdiff_t j = 0; j < p.n; j += width)
    for (std::ptrdiff_t i = 0; i < p.m; i += height)
      transposed_part<Lanes>({p.a + i * p.a_stride, p.a_stride, p.b + j * p.b_stride, p.b_stride,
                              p.c + i * p.c_stride + j, p.c_stride, p.m - i < height ? p.m - i : height,
                              p.n - j < width ? p.n - j : width, p.samples, p.accumulate});
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
