// Register-tiled matrix products over lanes; the bits are those of reference.hpp. Lanes run over samples, so
// a layer of 5 outputs wastes none. Lanes is a traits type of a kernels_*.cpp source: F (F32x16) and the tile
// sizes, chosen so that accumulators and operands fill the registers.
#pragma once

#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kPanel = 4096;  // floats of a packed panel (16 KiB of stack, half of L1)

// Arguments are handed down to the tiles as they came, with the part to compute beside them: copies of the
// structure, made with wide moves right after it was written with narrow ones, would stall a small layer for
// longer than it takes.

// R rows of y, C vectors of 16 columns at a time in registers; a multiple of 16 C columns.
template <class Lanes, int R, int C>
[[gnu::noinline]] void product_tile(const ProductArgs& p, std::ptrdiff_t row, std::ptrdiff_t begin,
                                    std::ptrdiff_t end) {
  using F = typename Lanes::F;
  const std::ptrdiff_t a_row = p.a_row, a_col = p.a_col, x_stride = p.x_stride, y_stride = p.y_stride,
                       depth = p.k;
  const float* const first = p.a + row * a_row;
  const float* const start = p.start != nullptr ? p.start + row : nullptr;
  const bool accumulate = p.accumulate;
  const float* x_column = p.x + begin;
  float* y = p.y + row * y_stride + begin;
  for (std::ptrdiff_t n = begin; n < end; n += 16 * C, x_column += 16 * C, y += 16 * C) {
    F acc[R][C];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c)
        acc[r][c] =
            accumulate ? F::load(y + r * y_stride + 16 * c) : F::set(start != nullptr ? start[r] : 0.0F);
    const float *a = first, *x = x_column;
    for (std::ptrdiff_t k = 0; k < depth; ++k, a += a_col, x += x_stride) {
      F xs[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) xs[c] = F::load(x + 16 * c);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const F weight = F::set(a[r * a_row]);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, xs[c], acc[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][c].store(y + r * y_stride + 16 * c);
  }
}

// product_tile by its number of rows.
using ProductTile = void (*)(const ProductArgs&, std::ptrdiff_t row, std::ptrdiff_t begin,
                             std::ptrdiff_t end);
template <class Lanes, int C, int... R>
ProductTile product_tile_of(std::ptrdiff_t rows, std::integer_sequence<int, R...>) {
  static constexpr ProductTile tiles[] = {product_tile<Lanes, R + 1, C>...};
  return tiles[rows - 1];
}
template <class Lanes, int C>
ProductTile product_tile_of(std::ptrdiff_t rows) {
  return product_tile_of<Lanes, C>(rows, std::make_integer_sequence<int, Lanes::kRows>());
}

// All rows of the columns [begin, end), tile by tile; a multiple of 16 C columns.
template <class Lanes, int C>
void product_tiles(const ProductArgs& p, std::ptrdiff_t begin, std::ptrdiff_t end) {
  const EvenSplit tiles(p.m, Lanes::kRows);
  for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i)
    product_tile_of<Lanes, C>(tiles.size(i))(p, row, begin, end);
}

// 16 C columns, or fewer if C is 1, by way of a packed copy of x. Rows of x lie a power of two apart, which
// is what a cache's sets like least, so this pays when many row tiles read them.
template <class Lanes, int C>
void product_packed(ProductArgs p, std::ptrdiff_t begin, std::ptrdiff_t end) {
  using F = typename Lanes::F;
  alignas(64) float panel[kPanel], cut_y[16 * Lanes::kRows];
  constexpr std::ptrdiff_t depth = kPanel / (16 * C);
  p.n = end - begin;
  p.x += begin;
  p.y += begin;
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
      product_tiles<Lanes, C>(slice, 0, slice.n);
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
        product_tile_of<Lanes, 1>(slice.m)(slice, 0, 0, 16);
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

// Columns in wide tiles, then in single vectors, then the last vector if it is cut. Wide tiles go through
// panels of x that stay in L1 while the row tiles read them.
template <class Lanes, int C>
void product_columns(const ProductArgs& p) {
  const std::ptrdiff_t wide = p.n / (16 * C) * (16 * C), whole = p.n / 16 * 16;
  if (p.m >= Lanes::kPackRows && p.k >= Lanes::kPackDepth) {
    for (std::ptrdiff_t n = 0; n < wide; n += 16 * C) product_packed<Lanes, C>(p, n, n + 16 * C);
  } else if (wide > 0) {
    std::ptrdiff_t panel = wide;
    if (p.m > Lanes::kRows) {
      panel = kPanel / p.k / (16 * C) * (16 * C);
      panel = panel < 16 * C ? 16 * C : panel;
    }
    for (std::ptrdiff_t n = 0; n < wide; n += panel)
      product_tiles<Lanes, C>(p, n, wide - n < panel ? wide : n + panel);
  }
  if (C > 1 && wide < whole) product_tiles<Lanes, 1>(p, wide, whole);
  if (whole < p.n) product_packed<Lanes, 1>(p, whole, p.n);
}

// Few rows need wide tiles, or there are too few chains to hide the latency of fma.
template <class Lanes>
void product(const ProductArgs& p) {
  if (p.m < 4)
    product_columns<Lanes, Lanes::kWideColumns>(p);
  else
    product_columns<Lanes, Lanes::kColumns>(p);
}

}  // namespace jsc::kernels
