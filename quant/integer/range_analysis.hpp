// Interval analysis: which integers a step can yield, for any input whatever. Moore, Interval Analysis
// (1966): each step's exact image of the box of its inputs' ranges. The bound of an exact sum is attained
// where its inputs are independent, as the network's are. Hidden values are not: of relu(x) and relu(-x) one
// is 0, but their sum has the bound of both. There it is an upper bound.
#pragma once

#include "quant/integer/program.hpp"

namespace jsc {

// Ranges of the step's output, from those of its inputs, and what its casts do to them.
struct StepRanges {
  std::vector<Range> ranges;
  // Most bits by which a number can, as far as ranges tell, exceed its format before the overflow mode acts;
  // 0: no input makes it overflow. Of quantize: its format. Of a given accumulator: any of its casts.
  int excess_bits = 0;
};

// The values before the step have ranges. Throws Error naming the value if an exact sum needs more than 63
// bits.
StepRanges analyze(const IntegerProgram& program, const IntegerStep& step);

// All values a format has.
Range full_range(const fixed::Format& format);

}  // namespace jsc
