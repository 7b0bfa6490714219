// A quantizer maps floats onto the numbers of a narrow format, which it gives as floats again: what a network
// in training sees of its hardware. One class a format, under MASE's names; FixedQuantizer is the one that
// integer networks are made of.
#pragma once

#include <limits>
#include <memory>
#include <string_view>

#include "engine/tensor.hpp"
#include "graph/metadata.hpp"
#include "quant/fixed/format.hpp"

namespace jsc {

// How the values lie and which of them belong together, for formats that share something within a block.
enum class TensorKind {
  activation,  // [features][batch]; a block lies within one sample
  weight,      // [out][in]; a block is a rectangle
  bias,        // [1][n]; a block is a run
};

// Inputs for which the straight-through gradient is 1; outside they saturate and it is 0.
struct PassRange {
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

class Quantizer {
 public:
  Quantizer() = default;
  Quantizer(const Quantizer&) = delete;
  Quantizer& operator=(const Quantizer&) = delete;
  virtual ~Quantizer() = default;

  // MASE's name of the format ("integer") and its parameters in MASE's order ([8, 4]).
  virtual std::string_view name() const = 0;
  virtual MetaValue precision() const = 0;
  // Bits of one number.
  virtual int width() const = 0;

  // y = Q(x); both of the same shape, and y may be x. NaN stays NaN.
  virtual void quantize(ConstMatrix x, TensorKind kind, Matrix y) const = 0;

  // Stochastic formats draw in training; in evaluation quantize() decides. On entry y, which is not x, holds
  // uniform numbers on [0, 1), one for each of x.
  virtual bool stochastic() const { return false; }
  virtual void quantize_random(ConstMatrix x, TensorKind kind, Matrix y) const { quantize(x, kind, y); }

  virtual PassRange pass_range() const { return {}; }
  // The fixed-point format whose numbers these are; null for the other formats.
  virtual const fixed::Format* fixed_format() const { return nullptr; }
};

using QuantizerPointer = std::shared_ptr<const Quantizer>;

}  // namespace jsc
