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

// R rows of y, C vectors of 16 columns at a time in registers; n is a multiple of 16 C columns, a, x and y
// point to the first, and start to the rows' own starts, or it is y, or null. A small layer takes some tens
// of cycles, so that what stands around the sums counts: rows of y are reached by steps from one to the next,
// as addresses worked out beforehand would not fit into registers, and what only a Far product needs is left
// out of the others. That is one whose result does not fit into L1: it is called there while the sums form,
// or stores would wait for it, and so is x, of which many rows are read, for the first strip.
//
// Column: a_row is 1, so that weights of a column of a are reached without registers for their distances.
template <class Lanes, int R, int C, bool Far, bool Column>
[[gnu::noinline]] void product_strip(const ProductArgs& p, const float* a_first, const float* x_first,
                                     float* y, std::ptrdiff_t n, const float* start) {
  using F = typename Lanes::F;
  const std::ptrdiff_t a_row = Column ? 1 : p.a_row, a_col = p.a_col, x_stride = p.x_stride,
                       y_stride = p.y_stride;
  do {
    F acc[R][C];
    if (start == nullptr) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) acc[r][c] = F::zero();
    } else if (start == y) {
      const float* from = y;
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r, from = next_row(from, y_stride))
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) acc[r][c] = F::load(from + 16 * c);
      start += 16 * C;
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const F value = F::set(start[r]);
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) acc[r][c] = value;
      }
    }
    if constexpr (Far) {
      float* to = start == y + 16 * C ? y + 16 * C : y;  // when y has been read, the next of it
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r, to = next_row(to, y_stride))
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) __builtin_prefetch(to + 16 * c, 1);
    }
    // Of a; the distances of eight rows from one pointer fit into registers.
    constexpr int kPointers = Column ? 1 : (R + 7) / 8, kReach = (R + kPointers - 1) / kPointers;
    const float *a[kPointers] = {a_first}, *x = x_first;
#pragma GCC unroll 16
    for (int i = 1; i < kPointers; ++i) a[i] = next_row(a[i - 1], kReach * a_row);
    const auto add_products = [&](auto call_next) __attribute__((always_inline)) {
      std::ptrdiff_t k = p.k;
      do {
        F xs[C];
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) xs[c] = F::load(x + 16 * c);
        if constexpr (decltype(call_next)::value)
#pragma GCC unroll 16
          for (int c = 0; c < C; ++c) __builtin_prefetch(x + 16 * (C + c));
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
          const F weight = F::set(a[r / kReach][r % kReach * a_row]);
#pragma GCC unroll 16
          for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, xs[c], acc[r][c]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < kPointers; ++i) a[i] += a_col;
        x += x_stride;
      } while (--k > 0);
    };
    if (Far && a_first == p.a && p.k > kStreams)
      add_products(std::true_type());
    else
      add_products(std::false_type());
    if (p.relu)
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) acc[r][c] = max(F::zero(), acc[r][c]);
    float* to = y;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, to = next_row(to, y_stride))
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) acc[r][c].store(to + 16 * c);
    x_first += 16 * C;
    y += 16 * C;
  } while ((n -= 16 * C) > 0);
}

// product_strip by its number of rows, at most Rows.
using ProductStrip = void (*)(const ProductArgs&, const float* a, const float* x, float* y, std::ptrdiff_t n,
                              const float* start);
template <class Lanes, int C, bool Far, int... R>
ProductStrip product_strip_of(std::ptrdiff_t rows, bool column, std::integer_sequence<int, R...>) {
  static constexpr ProductStrip strips[][2] = {
      {product_strip<Lanes, R + 1, C, Far, false>, product_strip<Lanes, R + 1, C, Far, true>}...};
  return strips[rows - 1][column ? 1 : 0];
}
template <class Lanes, int Rows, int C, bool Far>
ProductStrip product_strip_of(std::ptrdiff_t rows, bool column) {
  return product_strip_of<Lanes, C, Far>(rows, column, std::make_integer_sequence<int, Rows>());
}

// The columns [begin, end) of `count` strips of `rows` rows of y from `row` on; a_step is from a row's
// weights to the next row's, strip by strip.
[[gnu::always_inline]] inline void product_strips(ProductStrip strip, const ProductArgs& p,
                                                  std::ptrdiff_t a_step, std::ptrdiff_t rows,
                                                  std::ptrdiff_t row, std::ptrdiff_t count,
                                                  std::ptrdiff_t begin, std::ptrdiff_t end) {
  const float *a = p.a + row * a_step, *start = p.start != nullptr ? p.start + row : nullptr;
  float* y = p.y + row * p.y_stride + begin;
  for (; count > 0; --count, a += rows * a_step, y += rows * p.y_stride) {
    strip(p, a, p.x + begin, y, end - begin, p.accumulate ? y : start);
    if (start != nullptr) start += rows;
  }
}

// All rows of the columns [begin, end), strip by strip; a multiple of 16 C columns. a_col = 0 and
// a_row = 1 stand for weights packed by pack_weights, strip by strip, [k][rows].
template <class Lanes, int Rows, int C>
void product_rows(const ProductArgs& p, std::ptrdiff_t begin, std::ptrdiff_t end) {
  const EvenSplit strips(p.m, Rows);
  const bool far = (p.m + p.k) * p.n > kNear, packed = p.a_col == 0;
  const auto some = [&](std::ptrdiff_t rows, std::ptrdiff_t row, std::ptrdiff_t count) {
    const ProductStrip strip = far ? product_strip_of<Lanes, Rows, C, true>(rows, p.a_row == 1)
                                   : product_strip_of<Lanes, Rows, C, false>(rows, p.a_row == 1);
    if (!packed) return product_strips(strip, p, p.a_row, rows, row, count, begin, end);
    ProductArgs block = p;
    block.a_col = rows;
    product_strips(strip, block, p.k, rows, row, count, begin, end);
  };
  if (strips.larger > 0) some(strips.small + 1, 0, strips.larger);
  if (strips.larger < strips.pieces)
    some(strips.small, strips.larger * (strips.small + 1), strips.pieces - strips.larger);
}

// The last columns, fewer than 16, by way of copies of x and y that have room for all 16.
template <class Lanes, int Rows>
void product_cut(ProductArgs p, std::ptrdiff_t begin) {
  using F = typename Lanes::F;
  constexpr std::ptrdiff_t depth = kPanel / 16;
  alignas(64) float panel[kPanel], cut_y[16 * Rows];
  const std::ptrdiff_t columns = p.n - begin;
  const bool packed = p.a_col == 0;
  p.x += begin;
  p.y += begin;
  std::ptrdiff_t left = p.k;
  do {
    ProductArgs slice = p;
    slice.k = left < depth ? left : depth;
    slice.relu = p.relu && slice.k == left;  // of the last slice
    slice.x_stride = slice.y_stride = 16;
    for (std::ptrdiff_t k = 0; k < slice.k; ++k)
      F::load_first(p.x + k * p.x_stride, columns).store(panel + 16 * k);
    const EvenSplit tiles(p.m, Rows);
    for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i) {
      slice.m = tiles.size(i);
      const float* a = p.a + row * (packed ? slice.k : p.a_row);
      const float* start = p.start != nullptr ? p.start + row : nullptr;
      float* const y = p.y + row * p.y_stride;
      if (p.accumulate)
        for (std::ptrdiff_t r = 0; r < slice.m; ++r)
          F::load_first(y + r * p.y_stride, columns).store(cut_y + 16 * r);
      if (packed) slice.a_col = slice.m;
      product_strip_of<Lanes, Rows, 1, false>(slice.m, p.a_row == 1)(slice, a, panel, cut_y, 16,
                                                                     p.accumulate ? cut_y : start);
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
  if (C > 1 && done < whole) {
    if (p.a_col != 0)
      product_rows<Lanes, Lanes::kSingleRows, 1>(p, done, whole);
    else
      product_rows<Lanes, Rows, 1>(p, done, whole);
  }
  if (whole < p.n) product_cut<Lanes, Rows>(p, whole);
}

// R rows of weights in the order in which product_strip reads them.
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
      part.relu = p.relu && k + part.k == p.k;
      part.m = p.m - i < rows ? p.m - i : rows;
      part.a = p.a + i * p.a_row + k * p.a_col;
      part.a_row = p.a_row;
      part.a_col = p.a_col;
      pack_weights<Lanes, Rows>(part, block);
      part.a = block;
      part.a_row = 1;
      part.a_col = 0;
      part.x = p.x + k * p.x_stride;
      part.y = p.y + i * p.y_stride;
      part.start = p.start != nullptr ? p.start + i : nullptr;
      part.accumulate = p.accumulate || k > 0;
      product_columns<Lanes, Rows, C>(part);
    }
}

// Few rows need wide tiles, or there are too few chains to hide the latency of fma. Short sums are best taken
// in tiles of equal height. Of long ones a little more than a tile of rows is better taken as one that is
// taller and narrower, which reads x once. Short sums with a bias are taken a dozen at a time (AVX-512): with
// twice as many, the processor has no room left to begin the next tile while stores wait for this one, which
// it needs when the new sums are not just zero.
template <class Lanes>
[[gnu::noinline]] void product_any(const ProductArgs& p) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, D = Lanes::kTallColumns;
  if (p.m < 4) return product_columns<Lanes, 3, Lanes::kWideColumns>(p);
  if (p.m * p.k > Lanes::kLargeWeights) return product_blocked<Lanes, R, C>(p);
  const bool is_short = p.k < Lanes::kLongSums;
  if (is_short && p.start != nullptr && p.m > T) return product_columns<Lanes, R, D>(p);
  if (is_short && p.m % Lanes::kEvenRows == 0) return product_columns<Lanes, Lanes::kEvenRows, C>(p);
  if (p.m % T == 0 || (p.m > R && p.m < T)) return product_columns<Lanes, T, D>(p);
  product_columns<Lanes, R, C>(p);
}

// What product_any would come to for most small layers, before it has asked all its questions.
template <class Lanes>
void product(const ProductArgs& p) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, E = Lanes::kEvenRows;
  if (p.n % (16 * C) == 0 && (p.m + p.k) * p.n <= kNear) {
    if (p.m <= R && p.m >= 4)
      return product_strip_of<Lanes, R, C, false>(p.m, p.a_row == 1)(p, p.a, p.x, p.y, p.n,
                                                                     p.accumulate ? p.y : p.start);
    if (p.m % E == 0 && p.k < Lanes::kLongSums && (p.m <= T || p.start == nullptr))
      return product_strips(product_strip_of<Lanes, E, C, false>(E, p.a_row == 1), p, p.a_row, E, 0, p.m / E,
                            0, p.n);
  }
  product_any<Lanes>(p);
}

}  // namespace jsc::kernels
