// The kernels of inference (quant/integer/inference.cpp): one whole layer a call, from the packed numbers of
// the layer before to the packed numbers of the next, with every cast between them done in registers. Tiles
// are some features by one or two registers of samples.
#pragma once

#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// What is done to every number v of a tile, 32 bits, modulo 2^32 unless said otherwise.
enum class LaneOperation : std::uint8_t {
  multiply_add,        // weights[row] v + offsets[row]
  multiply_add_short,  // the same where v and the weights fit 16 bits
  add,                 // v + offsets[row]
  shift_left,          // v << shift
  shift_right,         // v >> shift
  round_sign,          // (v + a + (v < 0 ? b : 0)) >> shift
  round_even,          // v >> shift, its lowest bit cleared if (v & a) == 0
  round_odd,           // v >> shift, its lowest bit set if (v & a) == a
  clamp,               // into [a, b]
  wrap,                // the lowest 32 - shift bits as a signed number
  mask,                // v & a
  zero_outside,        // 0 unless in [a, b]
};

struct LaneStep {
  LaneOperation operation = LaneOperation::clamp;
  int shift = 0;
  std::int32_t a = 0, b = 0;
  const std::int32_t* weights = nullptr;  // [rows]
  const std::int32_t* offsets = nullptr;  // [rows]
};

// How numbers lie in memory: 32-bit words [groups][stride], each holding of one sample ...
enum class Packing : std::uint8_t {
  words,         // one number
  shorts,        // two features, 16 bits each, the first in the low bits
  bytes,         // four features, unsigned, which saturate at 0 and `largest`
  signed_bytes,  // the same of v + 128; v saturates at -128 and 127
  halves,  // or one feature of two samples: a tile's first register in the low halves, its second in the high
};

// Weights lie together in blocks of so many rows.
inline constexpr Index kWeightRows = 16;
// What the kernels for one sample take at a time at most.
inline constexpr Index kRowsOfOne = 64;

struct LayerArguments {
  // The result: features rounded up to a multiple of 4, of which those beyond the true ones mean nothing.
  Index rows = 0;
  const LaneStep* steps = nullptr;
  Index step_count = 0;
  Packing packing = Packing::words;
  std::int32_t largest = 255;
  std::int32_t* y = nullptr;
  Index y_stride = 0;
  // Rows of y (and of a packed x) have room for the samples rounded up to a multiple of 32.
  Index samples = 0;

  // The source: packed numbers for sums, words or floats without.
  Index groups = 0;  // rows of x
  const std::int32_t* x = nullptr;
  Index x_stride = 0;
  // [rows / kWeightRows][groups][kWeightRows], packed as x; null where a kernel says so
  const std::int32_t* weights = nullptr;
  const std::int32_t* bias = nullptr;         // [rows], where the sums start
  const std::int32_t* low_weights = nullptr;  // second parts, see the kernels
  const std::int32_t* low_bias = nullptr;

  // The network's input, [groups][floats_stride]: v * scale rounded half to even, within [low, high], which
  // floats and 22 bits hold; NaN gives 0.
  const float* floats = nullptr;
  Index floats_stride = 0;
  float scale = 1, low = 0, high = 0;
};

using LayerKernel = void (*)(const LayerArguments& arguments);

// One for each source of a layer's numbers.
struct SourceKernels {
  LayerKernel from_floats;
  LayerKernel from_words;
  LayerKernel dot_bytes;   // unsigned x by signed weights; null: not on this instruction set
  LayerKernel dot_shorts;  // signed by signed
  // Sums of more than 32 bits: H = sum of `weights`, L = sum of `low_weights`, H 2^8 + L being meant. Yields
  // 2 floor((H 2^8 + L) / 2^8), plus 1 if that is not exact: all that rounding by 2 bits or more asks for.
  LayerKernel dot_split;
  // hls4ml's accumulators of 16 bits: sums of floor(w x / 2^16) + v x modulo 2^16, w from `weights`, v from
  // `low_weights` (either null: all 0), each in both halves of a word. Packing::halves.
  LayerKernel accumulate_halves;
};

struct LayerKernels {
  SourceKernels samples;
  // For one sample, with rows in the lanes: x and y are words one after the other, and they and what there is
  // one of for every row have room for rows rounded up to a multiple of kRowsOfOne. accumulate_halves is
  // null.
  SourceKernels one;
  // classes[i] = the row of the largest x[row][i], the first of equals; x is words, samples as above.
  void (*argmax)(Index rows, Index samples, const std::int32_t* x, Index x_stride, std::int32_t* classes);
};

extern const LayerKernels kLayerKernelsPortable;
#ifdef JSC_X86_64
extern const LayerKernels kLayerKernelsAvx2;
extern const LayerKernels kLayerKernelsAvx512;
extern const LayerKernels kLayerKernelsVnni;  // AVX-512 with its VNNI extension
#endif

const LayerKernels& layer_kernels(Isa isa);

}  // namespace jsc
