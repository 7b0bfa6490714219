#include "quant/integer/range_analysis.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "quant/fixed/cast.hpp"

namespace jsc {

namespace {

using fixed::Wide;

struct WideRange {
  Wide lo = 0, hi = 0;
};

WideRange operator+(WideRange a, WideRange b) {
  return {a.lo + b.lo, a.hi + b.hi};
}

WideRange product(WideRange a, WideRange b) {
  const Wide corners[] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  const auto [lo, hi] = std::minmax_element(std::begin(corners), std::end(corners));
  return {*lo, *hi};
}

// Bits that `range` needs beyond those of the format. An unsigned format does not reach below zero however
// wide: there the negative end counts with all its bits.
int excess(WideRange range, const fixed::Format& format) {
  const auto bits = [](Wide end) {
    return fixed::bit_length(static_cast<fixed::UWide>(end < 0 ? ~end : end));
  };
  const int above = bits(range.hi) - format.magnitude_bits();
  const int below = format.is_signed ? bits(range.lo) - format.magnitude_bits()
                    : range.lo < 0   ? bits(range.lo) + 1
                                     : 0;
  return std::max({above, below, 0});
}

// The image under a cast. Rounding is monotonic, so the ends stay the ends; saturation keeps that, and what
// wraps can land anywhere.
WideRange cast_range(WideRange range, int fraction, const fixed::Format& format, int& excess_bits) {
  const int shift = fraction - format.fraction();
  const auto rounding = [&](Wide end) {
    return shift > 0 ? fixed::round_shift(end, shift, format.rounding) : fixed::scale_up(end, -shift);
  };
  const WideRange rounded{rounding(range.lo), rounding(range.hi)};
  const int beyond = excess(rounded, format);
  excess_bits = std::max(excess_bits, beyond);
  using fixed::Overflow;
  const bool monotonic =
      format.overflow == Overflow::sat || (format.overflow == Overflow::sat_sym && format.width > 1);
  if (beyond == 0 && !monotonic && format.overflow != Overflow::sat_sym) return rounded;
  if (!monotonic) return {format.min_raw(), format.max_raw()};
  return {fixed::cast(range.lo, fraction, format), fixed::cast(range.hi, fraction, format)};
}

Range narrow(WideRange range, const std::string& name) {
  constexpr Wide kLimit = Wide{1} << 62;
  if (range.lo < -kLimit || range.hi >= kLimit) fail("lower: '{}' needs more than 63 bits", name);
  return {static_cast<std::int64_t>(range.lo), static_cast<std::int64_t>(range.hi)};
}

WideRange wide(Range range) {
  return {range.lo, range.hi};
}

}  // namespace

Range full_range(const fixed::Format& format) {
  return {static_cast<std::int64_t>(format.min_raw()), static_cast<std::int64_t>(format.max_raw())};
}

StepRanges analyze(const IntegerProgram& program, const IntegerStep& step) {
  const auto value = [&](int v) -> const IntegerValue& {
    return program.values[static_cast<std::size_t>(v)];
  };
  const IntegerValue &a = value(step.inputs.front()), &b = value(step.inputs.back()), &y = value(step.output);
  StepRanges result;
  const auto put = [&](WideRange range) { result.ranges.push_back(narrow(range, y.name)); };
  // Terms that are too large are refused one by one, before their sum could leave 128 bits.
  const auto aligned = [&](WideRange range, int shift) {
    narrow(range, y.name);
    range = {range.lo * (Wide{1} << shift), range.hi * (Wide{1} << shift)};
    narrow(range, y.name);
    return range;
  };

  for (std::size_t f = 0; f < static_cast<std::size_t>(y.features); ++f) {
    switch (step.operation) {
      case Operation::quantize:
        put(cast_range(wide(a.ranges[f]), a.fraction, step.format, result.excess_bits));
        break;
      case Operation::relu:
        put({std::max<Wide>(a.ranges[f].lo, 0), std::max<Wide>(a.ranges[f].hi, 0)});
        break;
      case Operation::add:
        put(wide(a.ranges[f]) + wide(b.ranges[f]));
        break;
      case Operation::sub:
        put(wide(a.ranges[f]) +
            WideRange{-static_cast<Wide>(b.ranges[f].hi), -static_cast<Wide>(b.ranges[f].lo)});
        break;
      case Operation::mul:
        put(product(wide(a.ranges[f]), wide(b.ranges[f])));
        break;
      case Operation::dense:
      case Operation::scale_shift: {
        const bool dense = step.operation == Operation::dense;
        const std::size_t terms = dense ? static_cast<std::size_t>(a.features) : 1;
        const int product_fraction = a.fraction + step.weight_format.fraction();
        WideRange sum;
        if (!step.bias.empty()) {
          const Wide bias = step.bias[f];
          if (step.accumulator)
            sum =
                cast_range({bias, bias}, step.bias_format.fraction(), *step.accumulator, result.excess_bits);
          else
            sum = aligned({bias, bias}, y.fraction - step.bias_format.fraction());
        }
        for (std::size_t k = 0; k < terms; ++k) {
          const Wide weight = step.weights[f * terms + k];
          WideRange term = product({weight, weight}, wide(a.ranges[dense ? k : f]));
          if (step.accumulator) {
            term = cast_range(term, product_fraction, *step.accumulator, result.excess_bits);
            sum = cast_range(sum + term, step.accumulator->fraction(), *step.accumulator, result.excess_bits);
          } else {
            sum = sum + aligned(term, y.fraction - product_fraction);
          }
        }
        put(sum);
        break;
      }
    }
  }
  return result;
}

}  // namespace jsc
