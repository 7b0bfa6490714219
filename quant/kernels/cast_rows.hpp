// Casts of many numbers from one fixed-point format to another: fixed::cast (quant/fixed/cast.hpp) over an
// array, vectorized over the numbers where the modes allow it.
#pragma once

#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"
#include "quant/fixed/format.hpp"

namespace jsc {

// to[i] = cast of from[i] * 2^-fraction to `format`; the arrays may be the same. Needs |from[i]| < 2^62
// (int64) or 2^30 (int32), and results that the type holds.
void cast_row(Isa isa, Index n, const std::int64_t* from, int fraction, const fixed::Format& format,
              std::int64_t* to);
void cast_row(Isa isa, Index n, const std::int32_t* from, int fraction, const fixed::Format& format,
              std::int32_t* to);

}  // namespace jsc
