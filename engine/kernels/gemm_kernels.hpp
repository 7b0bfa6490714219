// Register-tiled matrix products over lanes; the bits are those of reference.hpp. Lanes run over samples, so
// a layer of 5 outputs wastes none. Lanes is a traits type of a kernels_*.hpp source: F (F32x16) and the tile
// sizes, chosen so that accumulators and operands fill the registers.
#pragma once

#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kBlock = 512;   // samples of a reduction block: kSampleBlock of threads.hpp
constexpr std::ptrdiff_t kPanel = 4096;  // floats of a packed panel (16 KiB of stack, half of L1)
constexpr std::ptrdiff_t kStrip = 4096;  // sums kept while the blocks pass

// Splits `size` into pieces of at most `largest`, as even as can be: 16 by 6 gives 6 5 5, and no piece of 8
// by 6 is left with too few independent chains. (always_inline here and below: a copy out of line would be
// shared between ISAs, and the linker might keep the one with the wrong instructions.)
struct EvenSplit {
  std::ptrdiff_t pieces, small, larger;
  [[gnu::always_inline]] EvenSplit(std::ptrdiff_t size, std::ptrdiff_t largest)
      : pieces((size + largest - 1) / largest), small(size / pieces), larger(size % pieces) {}
  [[gnu::always_inline]] std::ptrdiff_t size(std::ptrdiff_t i) const {
    return i < larger ? small + 1 : small;
  }
};

// --- product ---

// R rows of y, C vectors of 16 columns at a time in registers; p.m = R and p.n a multiple of 16 C.
template <class Lanes, int R, int C>
[[gnu::noinline]] void product_tile(const ProductArgs& p) {
  using F = typename Lanes::F;
  for (std::ptrdiff_t n = 0; n < p.n; n += 16 * C) {
    F acc[R][C];
    float* const y = p.y + n;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c)
        acc[r][c] = p.accumulate ? F::load(y + r * p.y_stride + 16 * c)
                                 : F::set(p.start != nullptr ? p.start[r] : 0.0F);
    const float* a = p.a;
    const float* x = p.x + n;
    for (std::ptrdiff_t k = 0; k < p.k; ++k, a += p.a_col, x += p.x_stride) {
      F xs[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) xs[c] = F::load(x + 16 * c);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const F weight = F::set(a[r * p.a_row]);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, xs[c], acc[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][c].store(y + r * p.y_stride + 16 * c);
  }
}

template <class Lanes, int C, int R = Lanes::kRows>
void product_rows(const ProductArgs& p) {
  if constexpr (R > 1)
    if (p.m < R) return product_rows<Lanes, C, R - 1>(p);
  product_tile<Lanes, R, C>(p);
}

// All rows, tile by tile; p.n a multiple of 16 C.
template <class Lanes, int C>
void product_tiles(ProductArgs p) {
  const EvenSplit tiles(p.m, Lanes::kRows);
  for (std::ptrdiff_t i = 0; i < tiles.pieces; ++i) {
    p.m = tiles.size(i);
    product_rows<Lanes, C>(p);
    p.a += p.m * p.a_row;
    p.y += p.m * p.y_stride;
    if (p.start != nullptr) p.start += p.m;
  }
}

// 16 C columns, or fewer if C is 1, by way of a packed copy of x. Rows of x lie a power of two apart, which
// is what a cache's sets like least, so this pays when many row tiles read them.
template <class Lanes, int C>
void product_packed(ProductArgs p) {
  using F = typename Lanes::F;
  alignas(64) float panel[kPanel], cut_y[16 * Lanes::kRows];
  constexpr std::ptrdiff_t depth = kPanel / (16 * C);
  const bool cut = p.n < 16 * C;
  std::ptrdiff_t left = p.k;
  do {
    ProductArgs slice = p;
    slice.k = left < depth ? left : depth;
    slice.x = panel;
    slice.x_stride = 16 * C;
    slice.n = 16 * C;
    for (std::ptrdiff_t k = 0; k < slice.k; ++k)
      for (int c = 0; c < C; ++c) {
        const float* from = p.x + k * p.x_stride + 16 * c;
        (cut ? F::load_first(from, p.n) : F::load(from)).store(panel + (k * C + c) * 16);
      }
    if (!cut) {
      product_tiles<Lanes, C>(slice);
    } else {
      for (std::ptrdiff_t i = 0; i < p.m; i += slice.m) {
        slice.m = p.m - i < Lanes::kRows ? p.m - i : Lanes::kRows;
        slice.a = p.a + i * p.a_row;
        slice.start = p.start != nullptr ? p.start + i : nullptr;
        slice.y = cut_y;
        slice.y_stride = 16;
        float* const y = p.y + i * p.y_stride;
        if (p.accumulate)
          for (std::ptrdiff_t r = 0; r < slice.m; ++r)
            F::load_first(y + r * p.y_stride, p.n).store(cut_y + 16 * r);
        product_rows<Lanes, 1>(slice);
        for (std::ptrdiff_t r = 0; r < slice.m; ++r)
          F::load(cut_y + 16 * r).store_first(y + r * p.y_stride, p.n);
      }
    }
    left -= slice.k;
    p.a += slice.k * p.a_col;
    p.x += slice.k * p.x_stride;
    p.accumulate = true;  // the next slice carries the chains on
  } while (left > 0);
}

// Columns in wide tiles, then in single vectors, then the last vector if it is cut.
template <class Lanes, int C>
void product_columns(const ProductArgs& p) {
  const bool pack = p.m >= Lanes::kPackRows && p.k >= Lanes::kPackDepth;
  std::ptrdiff_t n = 0;
  const auto columns = [&](std::ptrdiff_t count) {
    ProductArgs part = p;
    part.x += n;
    part.y += n;
    part.n = count;
    n += count;
    return part;
  };
  if (pack)
    while (p.n - n >= 16 * C) product_packed<Lanes, C>(columns(16 * C));
  else
    product_tiles<Lanes, C>(columns((p.n - n) / (16 * C) * (16 * C)));
  if (C > 1 && p.n - n >= 16) product_tiles<Lanes, 1>(columns((p.n - n) / 16 * 16));
  if (n < p.n) product_packed<Lanes, 1>(columns(p.n - n));
}

// Few rows need wide tiles, or there are too few chains to hide the latency of fma.
template <class Lanes>
void product(const ProductArgs& p) {
  if (p.m < 4)
    product_columns<Lanes, Lanes::kWideColumns>(p);
  else
    product_columns<Lanes, Lanes::kColumns>(p);
}

// --- product_transposed ---

// The sums of one block for R rows of a and C rows of b: into c, or added to it. The lanes are worked through
// a register at a time (Part), since whole tiles of 16 lanes would not fit into AVX2's registers.
template <class Lanes, int R, int C>
[[gnu::noinline]] void transposed_tile(const TransposedArgs& p) {
  using F = typename Lanes::F;
  using Part = typename Lanes::Part;
  alignas(64) float lanes[R][C][16];
  const std::ptrdiff_t whole = p.samples / 16 * 16, left = p.samples - whole;
  for (int part = 0; part < 16; part += Part::kLanes) {
    Part acc[R][C];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][c] = Part::zero();
    for (std::ptrdiff_t s = part; s < whole; s += 16) {
      Part as[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) as[r] = Part::load(p.a + r * p.a_stride + s);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        const Part b = Part::load(p.b + c * p.b_stride + s);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) acc[r][c] = fma(as[r], b, acc[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][c].store(lanes[r][c] + part);
  }
  if (left > 0)
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) {
        const F a = F::load_first(p.a + r * p.a_stride + whole, left);
        const F b = F::load_first(p.b + c * p.b_stride + whole, left);
        const F acc = F::load(lanes[r][c]);
        // Not just fma of zeros, which would turn a lane of -0 into 0.
        select(Lanes::first(left), fma(a, b, acc), acc).store(lanes[r][c]);
      }
  for (int r = 0; r < R; ++r) {
    float sums[C];
    if constexpr (C == 4)
      sum_four(F::load(lanes[r][0]), F::load(lanes[r][1]), F::load(lanes[r][2]), F::load(lanes[r][3]), sums);
    else
      for (int c = 0; c < C; ++c) sums[c] = sum(F::load(lanes[r][c]));
    float* const to = p.c + r * p.c_stride;
    for (int c = 0; c < C; ++c) to[c] = p.accumulate ? to[c] + sums[c] : sums[c];
  }
}

template <class Lanes, int C, int R = Lanes::kSumRows>
void transposed_rows(const TransposedArgs& p) {
  if constexpr (R > 1)
    if (p.m < R) return transposed_rows<Lanes, C, R - 1>(p);
  transposed_tile<Lanes, R, C>(p);
}
template <class Lanes, int C = Lanes::kSumColumns>
void transposed_columns(const TransposedArgs& p) {
  if constexpr (C > 1)
    if (p.n < C) return transposed_columns<Lanes, C - 1>(p);
  transposed_rows<Lanes, C>(p);
}

// All tiles of one block. The rows of b that a tile reads stay in L1 while those of a stream past.
template <class Lanes>
void transposed_block(const TransposedArgs& p) {
  const EvenSplit rows(p.m, Lanes::kSumRows), columns(p.n, Lanes::kSumColumns);
  TransposedArgs tile = p;
  for (std::ptrdiff_t j = 0; j < columns.pieces; ++j) {
    tile.n = columns.size(j);
    tile.a = p.a;
    float* const top = tile.c;
    for (std::ptrdiff_t i = 0; i < rows.pieces; ++i) {
      tile.m = rows.size(i);
      transposed_columns<Lanes>(tile);
      tile.a += tile.m * p.a_stride;
      tile.c += tile.m * p.c_stride;
    }
    tile.b += tile.n * p.b_stride;
    tile.c = top + tile.n;
  }
}

// Blocks pass in ascending order over a strip of sums, which then goes to c: (c + block 0) + block 1 would be
// other bits.
template <class Lanes>
void product_transposed(const TransposedArgs& p) {
  alignas(64) float strip[kStrip];
  const std::ptrdiff_t width = p.n < kStrip / 8 ? p.n : kStrip / 8;
  for (std::ptrdiff_t j = 0; j < p.n; j += width) {
    const std::ptrdiff_t n = p.n - j < width ? p.n - j : width;
    const std::ptrdiff_t height = kStrip / n;
    for (std::ptrdiff_t i = 0; i < p.m; i += height) {
      const std::ptrdiff_t m = p.m - i < height ? p.m - i : height;
      for (std::ptrdiff_t s = 0; s < p.samples; s += kBlock) {
        const std::ptrdiff_t samples = p.samples - s < kBlock ? p.samples - s : kBlock;
        transposed_block<Lanes>({p.a + i * p.a_stride + s, p.a_stride, p.b + j * p.b_stride + s, p.b_stride,
                                 strip, n, m, n, samples, s > 0});
      }
      for (std::ptrdiff_t r = 0; r < m; ++r)
        for (std::ptrdiff_t c = 0; c < n; ++c) {
          float& to = p.c[(i + r) * p.c_stride + j + c];
          to = p.accumulate ? to + strip[r * n + c] : strip[r * n + c];
        }
    }
  }
}

// --- sum_rows ---

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
