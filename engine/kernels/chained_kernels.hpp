// d_w of a wide layer, whose sums over the samples of a block are one chain each (gemm.hpp): a product like
// that of gemm_kernels.hpp, once the samples of x lie one after the other. So x is transposed, by chunks that
// stay in L1; that takes 40 cycles for 16 x 16 values, of which each then meets all the outputs.
#pragma once

#include "engine/kernels/gemm_kernels.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc::kernels {

constexpr std::ptrdiff_t kChainColumns = 64, kChainRows = 128;  // of c whose sums are worked on at once
constexpr std::ptrdiff_t kChunk = kPanel / kChainColumns;       // samples whose x lies transposed in L1
static_assert(kChunk % 16 == 0);

// to[sample][pitch] = b[row][sample], with zeros past the last row up to the next multiple of 16; samples are
// written in sixteens.
template <class Lanes>
void transpose_chunk(const float* b, std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t samples,
                     float* to, std::ptrdiff_t pitch) {
  using F = typename Lanes::F;
  for (; rows > 0; rows -= 16, b += 16 * stride, to += 16)
    for (std::ptrdiff_t s = 0; s < samples; s += 16) {
      F columns[16];
      if (rows >= 16 && samples - s >= 16) {
        load_columns(b + s, stride, columns);
      } else {
        for (std::ptrdiff_t i = 0; i < 16; ++i)
          columns[i] = i < rows ? F::load_first(b + i * stride + s, samples - s) : F::zero();
        transpose(columns);
      }
      float* line = to + s * pitch;
#pragma GCC unroll 16
      for (std::ptrdiff_t i = 0; i < 16; ++i, line = next_row(line, pitch)) columns[i].store(line);
    }
}

// A block's sums, at most kChainRows x kChainColumns of them, into `sums`.
template <class Lanes>
void chain_block(const TransposedArgs& p, float* sums, std::ptrdiff_t pitch) {
  alignas(64) float x[kPanel];
  const std::ptrdiff_t width = (p.n + 15) / 16 * 16;
  for (std::ptrdiff_t s = 0; s < p.samples; s += kChunk) {
    const std::ptrdiff_t samples = p.samples - s < kChunk ? p.samples - s : kChunk;
    transpose_chunk<Lanes>(p.b + s, p.b_stride, p.n, samples, x, width);
    product<Lanes>(
        {p.a + s, p.a_stride, 1, x, width, sums, pitch, p.m, samples, width, nullptr, s > 0, false});
  }
}

// The sums of all blocks for a part of c of at most kChainRows x kChainColumns.
template <class Lanes>
void chained_part(const TransposedArgs& p) {
  using F = typename Lanes::F;
  alignas(64) float total[kChainRows * kChainColumns], block[kChainRows * kChainColumns];
  const bool in_place = !p.accumulate && p.n % 16 == 0;
  float* const sums = in_place ? p.c : total;
  const std::ptrdiff_t pitch = in_place ? p.c_stride : kChainColumns;
  for (std::ptrdiff_t s = 0; s < p.samples; s += kBlock) {
    const std::ptrdiff_t samples = p.samples - s < kBlock ? p.samples - s : kBlock;
    const TransposedArgs part = {p.a + s, p.a_stride, p.b + s, p.b_stride, nullptr,
                                 0,       p.m,        p.n,     samples,    false};
    if (s == 0) {
      chain_block<Lanes>(part, sums, pitch);
      continue;
    }
    chain_block<Lanes>(part, block, kChainColumns);
    for (std::ptrdiff_t r = 0; r < p.m; ++r)
      for (std::ptrdiff_t c = 0; c < p.n; c += 16)
        (F::load(sums + r * pitch + c) + F::load(block + r * kChainColumns + c)).store(sums + r * pitch + c);
  }
  if (in_place) return;
  for (std::ptrdiff_t r = 0; r < p.m; ++r)
    for (std::ptrdiff_t c = 0; c < p.n; c += 16) {
      float* const to = p.c + r * p.c_stride + c;
      const F sixteen = F::load(total + r * kChainColumns + c);
      (p.accumulate ? F::load_first(to, p.n - c) + sixteen : sixteen).store_first(to, p.n - c);
    }
}

template <class Lanes>
void product_chained(const TransposedArgs& p) {
  for (std::ptrdiff_t j = 0; j < p.n; j += kChainColumns)
    for (std::ptrdiff_t i = 0; i < p.m; i += kChainRows)
      chained_part<Lanes>({p.a + i * p.a_stride, p.a_stride, p.b + j * p.b_stride, p.b_stride,
                           p.c + i * p.c_stride + j, p.c_stride, p.m - i < kChainRows ? p.m - i : kChainRows,
                           p.n - j < kChainColumns ? p.n - j : kChainColumns, p.samples, p.accumulate});
}

}  // namespace jsc::kernels
