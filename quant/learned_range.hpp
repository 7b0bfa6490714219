// Learned ranges: a fixed-point format whose binary point training moves (Jain, Gural, Wu and Dick, Trained
// Quantization Thresholds, MLSys 2020, arXiv:1903.08066). The layer has a parameter log2 t for each tensor,
// and
//   m = ceil(log2 t),   the format fixed<W, m + 1> or ufixed<W, m>: numbers up to 2^m
// so that at every moment a power of two is in force, which hardware has for nothing, and what is trained
// lowers as any other format. fake_quantize.hpp has the gradient.
#pragma once

#include "quant/fixed/format.hpp"

namespace jsc {

// The format at this threshold; all but the place of its binary point is that of `format`. The fraction stays
// within -64..64.
fixed::Format format_at_threshold(fixed::Format format, float log2_threshold);

// A threshold at which the format is itself, half a bit from both neighbors.
float threshold_of(const fixed::Format& format);

}  // namespace jsc
