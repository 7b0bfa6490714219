// Register-tiled matrix products over lanes; the bits are those of reference.hpp. Lanes run over samples, so
// a layer of 5 outputs wastes none. Lanes is a traits type of a kernels_*.cpp source: F (F32x16) and the tile
// sizes, chosen so that accumulators and operands fill the registers.
#pragma once

#include <type_traits>
#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kPanel = 6144;           // floats of a panel of x that stays in L1 (24 KiB)
constexpr std::ptrdiff_t kNear = 10240;           // floats of x and y that fit into L1 side by side (40 KiB)
constexpr std::ptrdiff_t kStreams = 16;           // rows of x that the processor itself reads ahead of use
constexpr std::ptrdiff_t kPackedWeights = 24576;  // floats of a packed block of a (96 KiB of stack, in L2)

// The row after this one; the compiler is not to see further ahead.
template <class T>
[[gnu::always_inline]] inline T* next_row(T* row, std::ptrdiff_t stride) {
  row += stride;
  asm("" : "+r"(row));
  return row;
}

// Arguments are handed down to the tiles as they came, with the part to compute beside them: copies of the
// structure, made with wide moves right after it was written with narrow ones, would stall a small layer for
// longer than it takes.

// `count` tiles of R rows of y, C vectors of 16 columns at a time in registers; a multiple of 16 C columns.
// Rows of y are reached by steps from one to the next: addresses worked out beforehand would not fit into
// registers, and take longer than a small tile. A result larger than L1 is called there while the sums form,
// or stores would wait for it.
// a_col = 0 stands for weights packed by pack_weights, tile by tile, [k][R].
template <class Lanes, int R, int C>
[[gnu::noinline]] void product_tiles(const ProductArgs& p, std::ptrdiff_t row, std::ptrdiff_t count,
                                     std::ptrdiff_t begin, std::ptrdiff_t end) {
  using F = typename Lanes::F;
  const bool packed = p.a_col == 0;
  const std::ptrdiff_t a_row = packed ? 1 : p.a_row, a_col = packed ? R : p.a_col;
  const std::ptrdiff_t a_tile = R * (packed ? p.k : p.a_row);
  const std::ptrdiff_t x_stride = p.x_stride, y_stride = p.y_stride;
  const bool accumulate = p.accumulate, far = (p.m + p.k) * p.n > kNear;
  bool x_far = row == 0 && p.k > kStreams && far;
  const float* a_first = p.a + row * (packed ? p.k : p.a_row);
  const float* start = p.start != nullptr ? p.start + row : nullptr;
  const float* const x_first = p.x + begin;
  float* y_first = p.y + row * y_stride + begin;
  do {
    const float* x_column = x_first;
    float* y = y_first;
    std::ptrdiff_t n = end - begin;
    do {
      F acc[R][C];
      if (accumulate) {
        const float* from = y;
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r, from = next_row(from, y_stride))
#pragma GCC unroll 8
          for (int c = 0; c < C; ++c) acc[r][c] = F::load(from + 16 * c);
      } else if (start != nullptr) {
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const F value = F::set(start[r]);
#pragma GCC unroll 8
          for (int c = 0; c < C; ++c) acc[r][c] = value;
        }
      } else {
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
          for (int c = 0; c < C; ++c) acc[r][c] = F::zero();
      }
      if (far) {
        float* to = accumulate ? y + 16 * C : y;
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r, to = next_row(to, y_stride))
#pragma GCC unroll 8
          for (int c = 0; c < C; ++c) __builtin_prefetch(to + 16 * c, 1);
      }
      const float *a = a_first, *x = x_column;
      const auto add_products = [&](auto call_next) __attribute__((always_inline)) {
        std::ptrdiff_t k = p.k;
        do {
          F xs[C];
#pragma GCC unroll 8
          for (int c = 0; c < C; ++c) xs[c] = F::load(x + 16 * c);
          if constexpr (decltype(call_next)::value)
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) __builtin_prefetch(x + 16 * (C + c));
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) {
            const F weight = F::set(a[r * a_row]);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, xs[c], acc[r][c]);
          }
          a += a_col;
          x += x_stride;
        } while (--k > 0);
      };
      if (x_far)
        add_products(std::true_type());
      else
        add_products(std::false_type());
      float* to = y;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r, to = next_row(to, y_stride))
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c].store(to + 16 * c);
      x_column += 16 * C;
      y += 16 * C;
    } while ((n -= 16 * C) > 0);
    x_far = false;  // the other rows find x in the cache
    a_first += a_tile;
    y_first += R * y_stride;
    if (start != nullptr) start += R;
  } while (--count > 0);
}

// product_tiles by its number of rows, at most Rows.
using ProductTiles = void (*)(const ProductArgs&, std::ptrdiff_t row, std::ptrdiff_t count,
                              std::ptrdiff_t begin, std::ptrdiff_t end);
template <class Lanes, int C, int... R>
ProductTiles product_tiles_of(std::ptrdiff_t rows, std::integer_sequence<int, R...>) {
  static constexpr ProductTiles tiles[] = {product_tiles<Lanes, R + 1, C>...};
  return tiles[rows - 1];
}
template <class Lanes, int Rows, int C>
ProductTiles product_tiles_of(std::ptrdiff_t rows) {
  return product_tiles_of<Lanes, C>(rows, std::make_integer_sequence<int, Rows>());
}

// All rows of the columns [begin, end), tile by tile; a multiple of 16 C columns.
template <class Lanes, int Rows, int C>
void product_rows(const ProductArgs& p, std::ptrdiff_t begin, std::ptrdiff_t end) {
  const EvenSplit tiles(p.m, Rows);
  if (tiles.larger > 0) product_tiles_of<Lanes, Rows, C>(tiles.small + 1)(p, 0, tiles.larger, begin, end);
  if (tiles.larger < tiles.pieces)
    product_tiles_of<Lanes, Rows, C>(tiles.small)(p, tiles.larger * (tiles.small + 1),
                                                  tiles.pieces - tiles.larger, begin, end);
}

// The last columns, fewer than 16, by way of copies of x and y that have room for all 16.
template <class Lanes, int Rows>
void product_cut(ProductArgs p, std::ptrdiff_t begin) {
  using F = typename Lanes::F;
  constexpr std::ptrdiff_t depth = kPanel / 16;
  alignas(64) float panel[kPanel], cut_y[16 * Rows];
  const std::ptrdiff_t columns = p.n - begin;
  p.x += begin;
  p.y += begin;
  std::ptrdiff_t left = p.k;
  do {
    ProductArgs slice = p;
    slice.k = left < depth ? left : depth;
    slice.x = panel;
    slice.y = cut_y;
    slice.x_stride = slice.y_stride = slice.n = 16;
    for (std::ptrdiff_t k = 0; k < slice.k; ++k)
      F::load_first(p.x + k * p.x_stride, columns).store(panel + 16 * k);
    const EvenSplit tiles(p.m, Rows);
    for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i) {
      slice.m = tiles.size(i);
      slice.a = p.a + row * (p.a_col == 0 ? slice.k : p.a_row);
      slice.start = p.start != nullptr ? p.start + row : nullptr;
      float* const y = p.y + row * p.y_stride;
      if (p.accumulate)
        for (std::ptrdiff_t r = 0; r < slice.m; ++r)
          F::load_first(y + r * p.y_stride, columns).store(cut_y + 16 * r);
      product_tiles_of<Lanes, Rows, 1>(slice.m)(slice, 0, 1, 0, 16);
      for (std::ptrdiff_t r = 0; r < slice.m; ++r)
        F::load(cut_y + 16 * r).store_first(y + r * p.y_stride, columns);
    }
    left -= slice.k;
    p.a += slice.k * p.a_col;
    p.x += slice.k * p.x_stride;
    p.accumulate = true;  // the next slice carries the chains on
  } while (left > 0);
}

// Columns in wide tiles, then in narrower ones, then in single vectors, then the last vector if it is cut.
// Wide tiles go through panels of x that stay in L1 while the row tiles read them.
template <class Lanes, int Rows, int C>
void product_columns(const ProductArgs& p) {
  const std::ptrdiff_t wide = p.n / (16 * C) * (16 * C), whole = p.n / 16 * 16;
  std::ptrdiff_t panel = wide;
  if (p.m > Rows && p.n * p.k > kPanel) {
    panel = kPanel / p.k / (16 * C) * (16 * C);
    panel = panel < 16 * C ? 16 * C : panel;
  }
  for (std::ptrdiff_t n = 0; n < wide; n += panel)
    product_rows<Lanes, Rows, C>(p, n, wide - n < panel ? wide : n + panel);
  std::ptrdiff_t done = wide;
  if constexpr (constexpr int D = Lanes::kTallColumns; C > D && D > 1)
    if (done + 16 * D <= whole && p.a_col != 0) {  // packed weights are for tiles of Rows
      done += (whole - done) / (16 * D) * (16 * D);
      product_rows<Lanes, Lanes::kTallRows, D>(p, wide, done);
    }
  if (C > 1 && done < whole) product_rows<Lanes, Rows, 1>(p, done, whole);
  if (whole < p.n) product_cut<Lanes, Rows>(p, whole);
}

// R rows of weights in the order in which product_tiles reads them.
template <class Lanes, int R>
void pack_tile(const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_col, std::ptrdiff_t depth, float* to) {
  for (std::ptrdiff_t k = 0; k < depth; ++k, a += a_col, to += R)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) to[r] = a[r * a_row];
}
template <class Lanes, int Rows>
void pack_tile_of(std::ptrdiff_t rows, const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_col,
                  std::ptrdiff_t depth, float* to) {
  if constexpr (Rows > 1)
    if (rows < Rows) return pack_tile_of<Lanes, Rows - 1>(rows, a, a_row, a_col, depth, to);
  pack_tile<Lanes, Rows>(a, a_row, a_col, depth, to);
}
// All of p's.
template <class Lanes, int Rows>
void pack_weights(const ProductArgs& p, float* to) {
  const EvenSplit tiles(p.m, Rows);
  for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i)
    pack_tile_of<Lanes, Rows>(tiles.size(i), p.a + row * p.a_row, p.a_row, p.a_col, p.k, to + row * p.k);
}

// Large weights go block by block through a packed copy that stays in L2; rows of the original may lie a page
// apart. Blocks are as deep as a panel of x, so that a chain is carried from one to the next.
template <class Lanes, int Rows, int C>
void product_blocked(const ProductArgs& p) {
  alignas(64) float block[kPackedWeights];
  constexpr std::ptrdiff_t depth = kPanel / (16 * C), rows = kPackedWeights / depth / Rows * Rows;
  ProductArgs part = p;
  for (std::ptrdiff_t k = 0; k < p.k; k += depth)
    for (std::ptrdiff_t i = 0; i < p.m; i += rows) {
      part.k = p.k - k < depth ? p.k - k : depth;
      part.m = p.m - i < rows ? p.m - i : rows;
      part.a = p.a + i * p.a_row + k * p.a_col;
      part.a_col = p.a_col;
      pack_weights<Lanes, Rows>(part, block);
      part.a = block;
      part.a_col = 0;
      part.x = p.x + k * p.x_stride;
      part.y = p.y + i * p.y_stride;
      part.start = p.start != nullptr ? p.start + i : nullptr;
      part.accumulate = p.accumulate || k > 0;
      product_columns<Lanes, Rows, C>(part);
    }
}

// Few rows need wide tiles, or there are too few chains to hide the latency of fma; a little more than a tile
// of rows is better taken as one that is taller and narrower. Short sums that start somewhere are better
// taken a dozen at a time: with twice as many, the processor has no room left to begin the next tile while
// stores wait for this one, which it needs when the new sums are not just zero.
template <class Lanes>
[[gnu::noinline]] void product_any(const ProductArgs& p) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, D = Lanes::kTallColumns;
  if (p.m < 4)
    product_columns<Lanes, 3, Lanes::kWideColumns>(p);
  else if (p.m * p.k > Lanes::kLargeWeights)
    product_blocked<Lanes, R, C>(p);
  else if (p.m > T && p.start != nullptr && p.k < Lanes::kLongSums)
    product_columns<Lanes, R, D>(p);
  else if (p.m % T == 0 || (p.m > R && p.m < T))
    product_columns<Lanes, T, D>(p);
  else
    product_columns<Lanes, R, C>(p);
}

// What product_any would come to for most small layers, before it has asked all its questions.
template <class Lanes>
void product(const ProductArgs& p) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, D = Lanes::kTallColumns;
  if (p.n % (16 * C) == 0 && p.n * p.k <= kPanel) {
    if (p.m <= R && p.m >= 4) return product_tiles_of<Lanes, R, C>(p.m)(p, 0, 1, 0, p.n);
    if (p.m == T || (p.m % T == 0 && p.start == nullptr && p.m * p.k <= Lanes::kLargeWeights))
      return product_tiles<Lanes, T, D>(p, 0, p.m / T, 0, p.n);
  }
  product_any<Lanes>(p);
}

}  // namespace jsc::kernels
