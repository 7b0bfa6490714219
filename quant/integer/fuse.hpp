// Integer networks where only the result is wanted: a chain of steps becomes a few layers, each of them sums
// followed by operations on single numbers, which the kernels do without storing what lies between
// (quant/kernels/layer_kernels.hpp). Ranges are analyzed anew, so casts that can do nothing are left out, and
// everything is proven to fit 32-bit lanes; a program where that fails is left to IntegerNetwork.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "quant/integer/program.hpp"
#include "quant/kernels/layer_kernels.hpp"

namespace jsc {

// How a layer begins (LayerKernels).
enum class LayerSource : std::uint8_t { input, dot_bytes, dot_shorts, dot_split, accumulate_halves };

struct FusedStep {
  LaneOperation operation = LaneOperation::clamp;
  int shift = 0;
  std::int32_t a = 0, b = 0;
  std::vector<std::int32_t> weights, offsets;  // [rows] or empty
};

// Laid out as LayerArguments asks for, with room for rows rounded up to a multiple of kRowsOfOne.
struct FusedLayer {
  LayerSource source = LayerSource::input;
  Index rows = 0;    // features of the result, rounded up to a multiple of 4
  Index groups = 0;  // of the source
  std::vector<std::int32_t> weights, bias, low_weights, low_bias;
  std::vector<FusedStep> steps;
  Packing packing = Packing::words;
  std::int32_t largest = 255;
};

struct FusedNetwork {
  fixed::Format input;
  std::vector<FusedLayer> layers;
};

// Nothing if the program is no chain from one input to its result, if a cast has a mode that the kernels lack
// (WRAP_SM and saturated bits, where something can overflow), or if numbers do not fit. `with_bytes`: the
// kernels have sums of bytes.
std::optional<FusedNetwork> fuse(const IntegerProgram& program, bool with_bytes);

}  // namespace jsc
