// add, sub and mul of two quantized activations, exactly.
//   y = a + b, a - b or a b;  gradients as in ops/add.hpp, ops/sub.hpp and ops/mul.hpp
#pragma once

#include <string_view>

#include "quant/accumulate.hpp"

namespace jsc {

enum class PairOperation { add, sub, mul };

std::string_view pair_operation_name(PairOperation operation);

Variable float_pair(Tape& tape, PairOperation operation, Variable a, Variable b);
// Both operands are fake-quantized to `format`. Float32 computes it where it holds every result, int64
// otherwise; the output is annotated as "PATH.sum". Throws Error if 61 bits do not hold it.
Variable exact_pair(Tape& tape, PairOperation operation, Variable a, Variable b, const fixed::Format& format,
                    std::string_view path);

// Bits of the result. Throws Error naming `where` if 61 bits do not hold it.
int pair_bits(PairOperation operation, const fixed::Format& format, std::string_view where);

// Fraction bits of the result.
int pair_fraction(PairOperation operation, const fixed::Format& format);

}  // namespace jsc
