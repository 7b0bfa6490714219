// Register-tiled matrix products over lanes; the bits are those of reference.hpp. Lanes run over samples, so
// a layer of 5 outputs wastes none. Lanes is a traits type of a kernels_*.cpp source: F (F32x16) and the tile
// sizes, chosen so that accumulators and operands fill the registers.
#pragma once

#include <type_traits>
#include <utility>

#include "engine/kernels/even_split.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr int kReach = 4;                         // rows of weights whose addresses start from one pointer
constexpr std::ptrdiff_t kShortSums = 16;         // products of a sum that count as few
constexpr std::ptrdiff_t kPanel = 6144;           // floats of a panel of x that stays in L1 (24 KiB)
constexpr std::ptrdiff_t kNear = 10240;           // floats of x and y that fit into L1 side by side (40 KiB)
constexpr std::ptrdiff_t kNearL2 = 131072;        // the same of an L2 (512 KiB)
constexpr std::ptrdiff_t kStreams = 16;           // rows of x that the processor itself reads ahead of use
constexpr std::ptrdiff_t kPackedWeights = 24576;  // floats of a packed block of a (96 KiB of stack, in L2)

// The row after this one; the compiler is not to see further ahead.
template <class T>
[[gnu::always_inline]] inline T* next_row(T* row, std::ptrdiff_t stride) {
  row += stride;
  asm("" : "+r"(row));
  return row;
}

// Floats of `start` a row.
[[gnu::always_inline]] constexpr std::ptrdiff_t starts_of_row(unsigned mode) {
  return (mode & kNormalize) != 0 ? 3 : 1;
}

// R rows of y from `row` on by C vectors of 16 columns from `column` on, all of it in registers; start is y's
// first element for sums that begin with what is there. Ending is of a mode: kRelu, kNormalize or none.
//
// A small layer takes some tens of cycles, so that what stands around the sums counts. What would go by way
// of memory waits there until the sums of the tile before are stored, and so does whatever is loaded from an
// address whose last 12 bits are those of such a sum. Hence views come by reference, and no more registers
// are used than a function may without saving them.
//
// Far: the result is not near. It is called there while the sums form, or stores would wait for it,
// and so is x, of which many rows are read, for the first rows.
// Transposed: the weights of a column of a lie side by side, and take no registers for their distances.
template <class Lanes, int R, int C, bool Far, bool Transposed, unsigned Ending>
[[gnu::always_inline]] inline void product_sums(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                                                const float* start, std::ptrdiff_t row,
                                                std::ptrdiff_t column) {
  using F = typename Lanes::F;
  float* const to = y.data + row * y.stride + column;
  const auto y_stride = [&] {
    const Matrix* from = &y;
    if constexpr (Lanes::kCallForTile) asm("" : "+r"(from));  // read anew, and not kept in a register
    return from->stride;
  };
  const float* const ends = Ending == kNormalize ? start + 3 * row : nullptr;
  F acc[R][C];
  if (Ending != kNormalize && start == nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) acc[r][c] = F::zero();
  } else if (Ending != kNormalize && start == y.data) {
    const std::ptrdiff_t stride = y_stride();
    const float* from = to;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, from = next_row(from, stride))
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) acc[r][c] = F::load(from + 16 * c);
  } else {
    const float* const starts = Ending == kNormalize ? ends : start + row;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F value = F::set(starts[r * starts_of_row(Ending)]);
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) acc[r][c] = value;
    }
  }
  if constexpr (Far) {
    float* next =
        Ending != kNormalize && start == y.data ? to + 16 * C : to;  // when y has been read, the next of it
    const std::ptrdiff_t stride = y_stride();
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, next = next_row(next, stride))
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) __builtin_prefetch(next + 16 * c, 1);
  }
  constexpr int kPointers = Transposed ? 1 : (R + kReach - 1) / kReach,
                kRows = (R + kPointers - 1) / kPointers;
  const std::ptrdiff_t a_row = Transposed ? 1 : w.stride, a_col = Transposed ? w.stride : 1;
  const float* a[kPointers] = {w.data + row * a_row};
#pragma GCC unroll 16
  for (int i = 1; i < kPointers; ++i) a[i] = next_row(a[i - 1], kRows * a_row);
  const auto add_products = [&](auto call_next) __attribute__((always_inline)) {
    const std::ptrdiff_t x_stride = x.stride;
    const float* from = x.data + column;
    std::ptrdiff_t k = x.rows;
    do {
      F xs[C];
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) xs[c] = F::load(from + 16 * c);
      if constexpr (decltype(call_next)::value)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) __builtin_prefetch(from + 16 * (C + c));
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const F weight = F::set(a[r / kRows][r % kRows * a_row]);
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) acc[r][c] = fma(weight, xs[c], acc[r][c]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < kPointers; ++i) a[i] += a_col;
      from += x_stride;
    } while (--k > 0);
  };
  if (Far && row == 0 && x.rows > kStreams)
    add_products(std::true_type());
  else
    add_products(std::false_type());
  const std::ptrdiff_t stride = y_stride();
  float* next = to;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r, next = next_row(next, stride))
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) {
      F sum = acc[r][c];
      if constexpr (Ending == kNormalize) sum = fma(sum, F::set(ends[3 * r + 1]), F::set(ends[3 * r + 2]));
      (Ending != 0 ? max(F::zero(), sum) : sum).store(next + 16 * c);
    }
}

template <class Lanes, int R, int C, bool Far, bool Transposed, unsigned Ending>
[[gnu::noinline]] void product_tile(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                                    const float* start, std::ptrdiff_t row, std::ptrdiff_t column) {
  product_sums<Lanes, R, C, Far, Transposed, Ending>(w, x, y, start, row, column);
}

// R rows of y from `row` on, in a loop whose addresses are worked out beforehand.
template <class Lanes, int R, int C, bool Far, bool Transposed, unsigned Ending>
[[gnu::noinline]] void product_strip(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                                     const float* start, std::ptrdiff_t row) {
  const ConstMatrix ws = w, xs = x;
  const Matrix ys = y;
  for (std::ptrdiff_t column = 0; column < xs.cols; column += 16 * C)
    product_sums<Lanes, R, C, Far, Transposed, Ending>(ws, xs, ys, start, row, column);
}

// Tiles of the rows [first, last) of y, a multiple of R; x has a multiple of 16 C columns.
template <class Lanes, int R, int C, bool Far, bool Transposed, unsigned Ending>
[[gnu::noinline]] void product_tiles(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                                     const float* start, std::ptrdiff_t first, std::ptrdiff_t last) {
  for (; first < last; first += R) {
    if constexpr (Lanes::kCallForTile)
      for (std::ptrdiff_t column = 0; column < x.cols; column += 16 * C)
        product_tile<Lanes, R, C, Far, Transposed, Ending>(w, x, y, start, first, column);
    else
      product_strip<Lanes, R, C, Far, Transposed, Ending>(w, x, y, start, first);
  }
}

// product_tiles of `rows` rows each, at most Rows.
using ProductTiles = void (*)(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start,
                              std::ptrdiff_t first, std::ptrdiff_t last);
template <class Lanes, int C, bool Far, int... R>
ProductTiles product_tiles_of(std::ptrdiff_t rows, unsigned mode, std::integer_sequence<int, R...>) {
  static constexpr ProductTiles tiles[][5] = {
      {product_tiles<Lanes, R + 1, C, Far, false, 0>, product_tiles<Lanes, R + 1, C, Far, true, 0>,
       product_tiles<Lanes, R + 1, C, Far, false, kRelu>, product_tiles<Lanes, R + 1, C, Far, true, kRelu>,
       product_tiles<Lanes, R + 1, C, Far, false, kNormalize>}...};
  static_assert(kTransposed == 1 && kRelu == 2 && kNormalize == 4);
  // Such a product is neither packed nor cut into slices of its inputs, which would end more than once.
  static_assert(kMostNormalizedWeights <= kPanel / 16 &&
                kMostNormalizedWeights * kMostNormalizedWeights <= Lanes::kLargeWeights);
  return tiles[rows - 1][mode & (kTransposed | kRelu | kNormalize)];
}
template <class Lanes, int Rows, int C, bool Far>
ProductTiles product_tiles_of(std::ptrdiff_t rows, unsigned mode) {
  return product_tiles_of<Lanes, C, Far>(rows, mode, std::make_integer_sequence<int, Rows>());
}

// What the rest adds to kernels.hpp: the result is not near; the weights, transposed, are packed by
// pack_weights, tile by tile, [k][rows].
constexpr unsigned kFar = 64, kPacked = 128;

// Whether so many rows of x and y by so many columns are where they need not be called from ahead of use.
// However large the weights are then: to pack them takes longer than it saves, as there are few columns.
[[gnu::always_inline]] inline bool is_near(std::ptrdiff_t rows, std::ptrdiff_t columns, unsigned mode) {
  return rows * columns <= ((mode & kFastL2) != 0 ? kNearL2 : kNear);
}

// From a row's weights to the next row's, and from an input's to the next one's; not of packed weights.
[[gnu::always_inline]] inline std::ptrdiff_t weight_row(const ConstMatrix& w, unsigned mode) {
  return (mode & kTransposed) != 0 ? 1 : w.stride;
}
[[gnu::always_inline]] inline std::ptrdiff_t weight_column(const ConstMatrix& w, unsigned mode) {
  return (mode & kTransposed) != 0 ? w.stride : 1;
}

// All rows, tile by tile; a multiple of 16 C columns.
template <class Lanes, int Rows, int C>
void product_rows(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start,
                  unsigned mode) {
  const auto tiles_of = [&](std::ptrdiff_t rows) {
    return (mode & kFar) != 0 ? product_tiles_of<Lanes, Rows, C, true>(rows, mode)
                              : product_tiles_of<Lanes, Rows, C, false>(rows, mode);
  };
  const float* from = (mode & kAccumulate) != 0 ? y.data : start;
  const EvenSplit tiles(y.rows, Rows);
  if ((mode & kPacked) != 0) {
    ConstMatrix block = w;
    for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += block.stride, ++i) {
      block.stride = tiles.size(i);
      block.data = w.data + row * x.rows - row;
      tiles_of(block.stride)(block, x, y, from, row, row + block.stride);
    }
    return;
  }
  const std::ptrdiff_t larger = tiles.larger * (tiles.small + 1);
  if (larger > 0) tiles_of(tiles.small + 1)(w, x, y, from, 0, larger);
  tiles_of(tiles.small)(w, x, y, from, larger, y.rows);
}

// The last columns, fewer than 16, by way of copies of x and y that have room for all 16.
template <class Lanes, int Rows>
void product_cut(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start,
                 unsigned mode, std::ptrdiff_t begin) {
  using F = typename Lanes::F;
  constexpr std::ptrdiff_t depth = kPanel / 16;
  alignas(64) float panel[kPanel], cut_y[16 * Rows];
  const std::ptrdiff_t columns = x.cols - begin;
  for (std::ptrdiff_t k = 0; k < x.rows; k += depth) {
    const ConstMatrix cut_x = {panel, x.rows - k < depth ? x.rows - k : depth, 16, 16};
    for (std::ptrdiff_t i = 0; i < cut_x.rows; ++i)
      F::load_first(x.data + (k + i) * x.stride + begin, columns).store(panel + 16 * i);
    unsigned now = mode & ~kFar;
    if (k > 0) now |= kAccumulate;  // carries the chains on
    if (k + depth < x.rows) now &= ~kRelu;
    const EvenSplit tiles(y.rows, Rows);
    for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i) {
      const Matrix to = {cut_y, tiles.size(i), 16, 16};
      ConstMatrix part = w;
      if ((mode & kPacked) != 0) {
        part.data += row * x.rows + k * to.rows;
        part.stride = to.rows;
      } else {
        part.data += row * weight_row(w, mode) + k * weight_column(w, mode);
      }
      float* const at = y.data + row * y.stride + begin;
      if ((now & kAccumulate) != 0)
        for (std::ptrdiff_t r = 0; r < to.rows; ++r)
          F::load_first(at + r * y.stride, columns).store(cut_y + 16 * r);
      const float* from = (now & kAccumulate) != 0 ? cut_y
                          : start != nullptr       ? start + row * starts_of_row(mode)
                                                   : nullptr;
      product_tiles_of<Lanes, Rows, 1, false>(to.rows, now)(part, cut_x, to, from, 0, to.rows);
      for (std::ptrdiff_t r = 0; r < to.rows; ++r)
        F::load(cut_y + 16 * r).store_first(at + r * y.stride, columns);
    }
  }
}

// Columns in wide tiles, then in narrower ones, then in single vectors, then the last vector if it is cut.
// Wide tiles go through panels of x that stay in L1 while the row tiles read them, where it is not near.
template <class Lanes, int Rows, int C>
void product_columns(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start,
                     unsigned mode) {
  const std::ptrdiff_t k = x.rows, n = x.cols, wide = n / (16 * C) * (16 * C), whole = n / 16 * 16;
  const bool near = is_near(y.rows + k, n, mode);
  if (!near) mode |= kFar;
  std::ptrdiff_t panel = wide;
  if (!near && y.rows > Rows && n * k > kPanel) {
    panel = kPanel / k / (16 * C) * (16 * C);
    panel = panel < 16 * C ? 16 * C : panel;
  }
  const auto some = [&](auto product, std::ptrdiff_t begin, std::ptrdiff_t end) {
    if (begin == 0 && end == n) return product(w, x, y, start, mode);
    product(w, ConstMatrix{x.data + begin, k, end - begin, x.stride},
            Matrix{y.data + begin, y.rows, end - begin, y.stride}, start, mode);
  };
  for (std::ptrdiff_t i = 0; i < wide; i += panel)
    some(product_rows<Lanes, Rows, C>, i, wide - i < panel ? wide : i + panel);
  std::ptrdiff_t done = wide;
  const bool packed = (mode & kPacked) != 0;  // for tiles of Rows
  if constexpr (constexpr int D = Lanes::kTallColumns; C > D && D > 1)
    if (done + 16 * D <= whole && !packed) {
      done += (whole - done) / (16 * D) * (16 * D);
      some(product_rows<Lanes, Lanes::kTallRows, D>, wide, done);
    }
  if (C > 1 && done < whole) {
    if (packed)
      some(product_rows<Lanes, Rows, 1>, done, whole);
    else
      some(product_rows<Lanes, Lanes::kSingleRows, 1>, done, whole);
  }
  if (whole < n) product_cut<Lanes, Rows>(w, x, y, start, mode, whole);
}

// R rows of weights in the order in which product_tile reads them.
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
// All weights of y.rows rows by x.rows inputs.
template <class Lanes, int Rows>
void pack_weights(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, unsigned mode, float* to) {
  const std::ptrdiff_t a_row = weight_row(w, mode), a_col = weight_column(w, mode);
  const EvenSplit tiles(y.rows, Rows);
  for (std::ptrdiff_t i = 0, row = 0; i < tiles.pieces; row += tiles.size(i), ++i)
    pack_tile_of<Lanes, Rows>(tiles.size(i), w.data + row * a_row, a_row, a_col, x.rows, to + row * x.rows);
}

// Large weights go block by block through a packed copy that stays in L2; rows of the original may lie a page
// apart. Blocks are as deep as a panel of x, so that a chain is carried from one to the next.
template <class Lanes, int Rows, int C>
void product_blocked(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start,
                     unsigned mode) {
  alignas(64) float block[kPackedWeights];
  constexpr std::ptrdiff_t depth = kPanel / (16 * C), rows = kPackedWeights / depth / Rows * Rows;
  for (std::ptrdiff_t k = 0; k < x.rows; k += depth)
    for (std::ptrdiff_t i = 0; i < y.rows; i += rows) {
      const ConstMatrix part_x = {x.data + k * x.stride, x.rows - k < depth ? x.rows - k : depth, x.cols,
                                  x.stride};
      const Matrix part_y = {y.data + i * y.stride, y.rows - i < rows ? y.rows - i : rows, y.cols, y.stride};
      ConstMatrix part_w = w;
      part_w.data += i * weight_row(w, mode) + k * weight_column(w, mode);
      pack_weights<Lanes, Rows>(part_w, part_x, part_y, mode, block);
      part_w.data = block;
      unsigned now = mode | kPacked | kTransposed;
      if (k > 0) now |= kAccumulate;
      if (k + depth < x.rows) now &= ~kRelu;
      product_columns<Lanes, Rows, C>(part_w, part_x, part_y, start != nullptr ? start + i : nullptr, now);
    }
}

// Few rows need wide tiles, or there are too few chains to hide the latency of fma. Of long sums a little
// more than a tile of rows is better taken as one that is taller and narrower, which reads x once.
template <class Lanes>
[[gnu::noinline]] void product_any(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                                   const float* start, unsigned mode) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, D = Lanes::kTallColumns;
  const std::ptrdiff_t m = y.rows, k = x.rows;
  if (m < 4) return product_columns<Lanes, 3, Lanes::kWideColumns>(w, x, y, start, mode);
  if (m * k > Lanes::kLargeWeights) return product_blocked<Lanes, R, C>(w, x, y, start, mode);
  if (m % T == 0 && k <= kShortSums && (mode & kNarrow) != 0)
    return product_columns<Lanes, T, 1>(w, x, y, start, mode);
  if (m % T == 0 || (m > R && m < T)) return product_columns<Lanes, T, D>(w, x, y, start, mode);
  product_columns<Lanes, R, C>(w, x, y, start, mode);
}

// Most small layers, before product_any asks all its questions. Short sums read so few rows of x that nothing
// has to be called beforehand, however large the result is.
template <class Lanes>
void product(const ConstMatrix& w, const ConstMatrix& x, const Matrix& y, const float* start, unsigned mode) {
  constexpr int R = Lanes::kRows, C = Lanes::kColumns, T = Lanes::kTallRows, D = Lanes::kTallColumns;
  const std::ptrdiff_t m = y.rows, k = x.rows, n = x.cols;
  const float* from = (mode & kAccumulate) != 0 ? y.data : start;
  const bool is_short = k <= kShortSums;
  if (is_short && m % T == 0 && n % 16 == 0 && (mode & kNarrow) != 0)
    return product_tiles_of<Lanes, T, 1, false>(T, mode)(w, x, y, from, 0, m);
  if ((is_short || is_near(m + k, n, mode)) && n % (16 * D) == 0) {
    if (m <= R && m >= 4) {
      if ((mode & kNarrow) == 0 && n % (16 * C) == 0)
        return product_tiles_of<Lanes, R, C, false>(m, mode)(w, x, y, from, 0, m);
      return product_tiles_of<Lanes, R, D, false>(m, mode)(w, x, y, from, 0, m);
    }
    if (m % T == 0) return product_tiles_of<Lanes, T, D, false>(T, mode)(w, x, y, from, 0, m);
  }
  product_any<Lanes>(w, x, y, start, mode);
}

}  // namespace jsc::kernels
