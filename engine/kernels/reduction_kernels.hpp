// The sums over samples, d_w and the row sums, over lanes; the bits are those of reference.hpp: 16 lanes
// inside a block of 512 samples, the fixed tree, blocks in ascending order. Lanes as in gemm_kernels.hpp.
//
// d_w: some sums are worked on at once, each in a register of its own, and sum_lanes adds the lanes of as
// many as a register has lanes. That takes operations of which less than half share a unit with
// multiply-adds, so that it goes on beside the sums that follow.
#pragma once

#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/gemm_kernels.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kGroup = 16;  // rows of b that stay near while those of a stream past
constexpr std::ptrdiff_t kPartRows = 128,
                         kPartColumns = 512;  // of c whose sums are worked on at once, block by block

// c (+)= the sums over p's samples, at most a block, of R rows of a by `columns` rows of b, a multiple of C,
// C at a time. Where a register has fewer than 16 lanes a sum takes several (parts), which are added first.
// sum_lanes takes as many sums as fill a register, so that zeros stand behind the last.
template <class Lanes, int R, int C>
[[gnu::noinline]] void transposed_tile(const TransposedArgs& p, const float* a, const float* b, float* c,
                                       std::ptrdiff_t columns) {
  using Part = typename Lanes::Part;
  constexpr int L = Part::kLanes, kPadded = (R * C + L - 1) / L * L;
  const std::ptrdiff_t a_stride = p.a_stride, b_stride = p.b_stride;
  const std::ptrdiff_t whole = p.samples / 16 * 16, left = p.samples - whole;
  do {
    Part sums[kPadded];
#pragma GCC unroll 2
    for (int part = 0; part < 16; part += L) {
      Part acc[R][C];
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int i = 0; i < C; ++i) acc[r][i] = Part::zero();
      const float *from_a = a + part, *from_b = b + part;
      for (const float* end = from_a + whole; from_a < end; from_a += 16, from_b += 16) {
        Part as[R];
        const float* row = from_a;
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r, row = next_row(row, a_stride)) as[r] = Part::load(row);
        row = from_b;
#pragma GCC unroll 16
        for (int i = 0; i < C; ++i, row = next_row(row, b_stride)) {
          const Part bs = Part::load(row);
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r) acc[r][i] = fma(as[r], bs, acc[r][i]);
        }
      }
      if (left > part) {
        Part as[R];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) as[r] = Part::load_first(from_a + r * a_stride, left - part);
#pragma GCC unroll 16
        for (int i = 0; i < C; ++i) {
          const Part bs = Part::load_first(from_b + i * b_stride, left - part);
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r)  // not just fma of zeros, which would turn a lane of -0 into 0
            acc[r][i] = select_first(left - part, fma(as[r], bs, acc[r][i]), acc[r][i]);
        }
      }
#pragma GCC unroll 16
      for (int i = 0; i < kPadded; ++i) {
        const Part lanes = i < R * C ? acc[i / C][i % C] : Part::zero();
        sums[i] = part == 0 ? lanes : sums[i] + lanes;
      }
    }
    alignas(64) float total[kPadded];
#pragma GCC unroll 2
    for (int i = 0; i < kPadded; i += L) sum_lanes(sums + i).store(total + i);
    float* to = c;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, to = next_row(to, p.c_stride)) {
      float row[C];
#pragma GCC unroll 16
      for (int i = 0; i < C; ++i) row[i] = total[r * C + i];
      if (p.accumulate)
#pragma GCC unroll 16
        for (int i = 0; i < C; ++i) row[i] = to[i] + row[i];
#pragma GCC unroll 16
      for (int i = 0; i < C; ++i) to[i] = row[i];
    }
    b += C * b_stride;
    c += C;
  } while ((columns -= C) > 0);
}

// transposed_tile of R rows by its columns.
using TransposedTile = void (*)(const TransposedArgs&, const float* a, const float* b, float* c,
                                std::ptrdiff_t columns);
template <class Lanes, int R, int... C>
TransposedTile transposed_tile_of(std::ptrdiff_t columns, std::integer_sequence<int, C...>) {
  static constexpr TransposedTile tiles[] = {transposed_tile<Lanes, R, C + 1>...};
  return tiles[columns - 1];
}

// transposed_tile for any number of columns, at most kGroup; returns the number of its rows.
template <class Lanes, int R>
std::ptrdiff_t transposed_rows(const TransposedArgs& p, const float* a, const float* b, float* c,
                               std::ptrdiff_t columns) {
  constexpr int most = Lanes::kSums / R;
  constexpr std::make_integer_sequence<int, most> widths;
  // Mostly; EvenSplit divides by what is not known before, which takes as long as a tile's tree.
  if (columns % most == 0) {
    transposed_tile<Lanes, R, most>(p, a, b, c, columns);
    return R;
  }
  const EvenSplit tiles(columns, most);
  const std::ptrdiff_t larger = tiles.larger * (tiles.small + 1);
  if (larger > 0) transposed_tile_of<Lanes, R>(tiles.small + 1, widths)(p, a, b, c, larger);
  transposed_tile_of<Lanes, R>(tiles.small, widths)(p, a, b + larger * p.b_stride, c + larger,
                                                    columns - larger);
  return R;
}

// c (+)= the sums over p's samples, at most a block. Above half a block, 16 rows of b fill an L1, and a
// last single row of a would fetch them again: it goes along with the four before it.
template <class Lanes>
void transposed_block(const TransposedArgs& p) {
  const bool far = p.samples > kBlock / 2;
  const float* b = p.b;
  for (std::ptrdiff_t column = 0; column < p.n; column += kGroup, b += kGroup * p.b_stride) {
    const std::ptrdiff_t columns = p.n - column < kGroup ? p.n - column : kGroup;
    const float* a = p.a;
    float* c = p.c + column;
    for (std::ptrdiff_t left = p.m, done; left > 0;
         left -= done, a += done * p.a_stride, c += done * p.c_stride)
      done = left == 5 && far ? transposed_rows<Lanes, 5>(p, a, b, c, columns)
             : left > 3       ? transposed_rows<Lanes, 4>(p, a, b, c, columns)
             : left > 1       ? transposed_rows<Lanes, 2>(p, a, b, c, columns)
                              : transposed_rows<Lanes, 1>(p, a, b, c, columns);
  }
}

// A part of c, by several blocks where p has as many; if c is added to, only their total is: (c + block 0) +
// block 1 would be other bits.
template <class Lanes>
[[gnu::noinline]] void transposed_part(const TransposedArgs& p) {
  alignas(64) float total[kPartRows * kPartColumns];
  const bool apart = p.accumulate && p.samples > kBlock;
  TransposedArgs block = p;
  if (apart) {
    block.c = total;
    block.c_stride = kPartColumns;
    block.accumulate = false;
  }
  for (std::ptrdiff_t left = p.samples; left > 0; left -= kBlock) {
    block.samples = left < kBlock ? left : kBlock;
    transposed_block<Lanes>(block);
    block.a += kBlock;
    block.b += kBlock;
    block.accumulate = true;
  }
  if (!apart) return;
  for (std::ptrdiff_t r = 0; r < p.m; ++r)
    for (std::ptrdiff_t n = 0; n < p.n; ++n) p.c[r * p.c_stride + n] += total[r * kPartColumns + n];
}

template <class Lanes>
void product_transposed(const TransposedArgs& p) {
  if (p.samples <= kBlock && p.m <= kPartRows) return transposed_block<Lanes>(p);
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
