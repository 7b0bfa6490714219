#include "quant/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/range_analysis.hpp"

namespace jsc {

namespace {

using fixed::Wide;

std::int64_t& overflow_count(LedgerEntry& entry, const fixed::Format& format, bool negative) {
  const bool wraps = format.overflow == fixed::Overflow::wrap || format.overflow == fixed::Overflow::wrap_sm;
  if (wraps) return entry.wrapped;
  return negative && !format.is_signed ? entry.negative : entry.saturated;
}

// raw * 2^-fraction cast to `format`.
Wide count_cast(LedgerEntry& entry, Wide raw, int fraction, const fixed::Format& format) {
  const fixed::Cast cast = fixed::cast_detailed(raw, fraction, format);
  const int shift = fraction - format.fraction();  // positive where something is rounded
  if (cast.rounded) {
    ++entry.rounded;
    const Wide half = Wide{1} << std::min(shift - 1, 126);
    if (shift < 127 && (raw & (2 * half - 1)) == half) ++entry.ties;
  }
  if (cast.overflowed) ++overflow_count(entry, format, raw < 0);
  return cast.raw;
}

// The numbers of a format's grid that a cast leaves within the format: raw * 2^-fraction overflows outside of
// them. Rounding is monotonic, so they are an interval; each end is found by bisection.
Range kept_by_cast(int fraction, const fixed::Format& format) {
  const auto overflows = [&](std::int64_t raw) {
    return fixed::cast_detailed(raw, fraction, format).overflowed;
  };
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  const auto last_kept = [&](std::int64_t direction) {
    std::int64_t kept = 0, beyond = kFar;  // distances from zero
    if (overflows(direction * kFar) == false) return direction * kFar;
    while (beyond - kept > 1) {
      const std::int64_t middle = kept + (beyond - kept) / 2;
      (overflows(direction * middle) ? beyond : kept) = middle;
    }
    return direction * kept;
  };
  return {last_kept(-1), last_kept(1)};
}

// count_cast over an array.
void count_casts(LedgerEntry& entry, Index n, const std::int64_t* raw, int fraction,
                 const fixed::Format& format) {
  const int shift = fraction - format.fraction();
  if (shift > 61) {
    for (Index i = 0; i < n; ++i) count_cast(entry, raw[i], fraction, format);
    return;
  }
  const Range kept = kept_by_cast(fraction, format);
  const std::int64_t mask = shift > 0 ? (std::int64_t{1} << shift) - 1 : 0;
  const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : -1;
  std::int64_t rounded = 0, ties = 0, below = 0, above = 0;
  for (Index i = 0; i < n; ++i) {
    const std::int64_t rest = raw[i] & mask;
    rounded += rest != 0;
    ties += rest == half;
    below += raw[i] < kept.lo;
    above += raw[i] > kept.hi;
  }
  entry.rounded += rounded;
  entry.ties += ties;
  overflow_count(entry, format, true) += below;
  overflow_count(entry, format, false) += above;
}

void count_input(LedgerEntry& entry, float x, const fixed::Format& format) {
  const double scaled = std::ldexp(static_cast<double>(x), format.fraction());
  const double beyond = scaled - std::floor(scaled);
  if (beyond != 0) ++entry.rounded;
  if (beyond == 0.5) ++entry.ties;
  if (fixed::from_double_detailed(x, format).overflowed) ++overflow_count(entry, format, x < 0);
}

void count_accumulation(LedgerEntry& entry, const IntegerStep& step, std::int64_t neuron, std::int64_t terms,
                        const std::int64_t* x, int product_fraction) {
  const fixed::Format& accumulator = *step.accumulator;
  Wide sum = 0;
  if (!step.bias.empty())
    sum = count_cast(entry, step.bias[static_cast<std::size_t>(neuron)], step.bias_format.fraction(),
                     accumulator);
  for (std::int64_t k = 0; k < terms; ++k) {
    const Wide product = static_cast<Wide>(step.weights[static_cast<std::size_t>(neuron * terms + k)]) * x[k];
    sum += count_cast(entry, product, product_fraction, accumulator);
    sum = count_cast(entry, sum, accumulator.fraction(), accumulator);
  }
}

bool computes_sums(const IntegerStep& step) {
  return step.operation == Operation::dense || step.operation == Operation::scale_shift;
}

}  // namespace

Ledger::Ledger(const IntegerProgram& program) : program_(program) {
  for (const IntegerValue& value : program.values) {
    LedgerEntry entry;
    entry.value = value.name;
    entry.proven = {value.ranges[0].lo, value.ranges[0].hi};
    for (const Range& range : value.ranges) {
      entry.proven.lo = std::min(entry.proven.lo, range.lo);
      entry.proven.hi = std::max(entry.proven.hi, range.hi);
    }
    entry.width = signed_width(entry.proven);
    entries_.push_back(std::move(entry));
  }
  const auto cast_to = [&](int value, const fixed::Format& format) {
    LedgerEntry& entry = entries_[static_cast<std::size_t>(value)];
    entry.format = fixed::to_string(format);
    entry.width = format.width;
  };
  for (const IntegerInput& input : program.inputs) {
    entries_[static_cast<std::size_t>(input.value)].operation = "input";
    cast_to(input.value, input.format);
  }
  for (const IntegerStep& step : program.steps) {
    LedgerEntry& entry = entries_[static_cast<std::size_t>(step.output)];
    entry.operation = operation_name(step.operation);
    entry.excess_bits = analyze(program, step).excess_bits;
    if (step.operation == Operation::quantize) cast_to(step.output, step.format);
    if (step.accumulator) cast_to(step.output, *step.accumulator);
    if (!step.sum_widths.empty()) entry.width = *std::ranges::max_element(step.sum_widths);
  }
}

void Ledger::add(ConstMatrix x, const std::int64_t* const* values) {
  const Index n = x.cols;
  for (std::size_t v = 0; v < entries_.size(); ++v) {
    LedgerEntry& entry = entries_[v];
    const Index count = n * program_.values[v].features;
    entry.numbers += count;
    const auto [lo, hi] = std::minmax_element(values[v], values[v] + count);
    entry.observed = {std::min(entry.observed.lo, *lo), std::max(entry.observed.hi, *hi)};
  }
  for (const IntegerInput& input : program_.inputs)
    for (Index f = 0; f < x.rows; ++f)
      for (Index i = 0; i < n; ++i)
        count_input(entries_[static_cast<std::size_t>(input.value)], x(f, i), input.format);
  for (const IntegerStep& step : program_.steps) {
    const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
    LedgerEntry& entry = entries_[static_cast<std::size_t>(step.output)];
    const std::int64_t* from = values[step.inputs[0]];
    if (step.operation == Operation::quantize)
      count_casts(entry, n * in.features, from, in.fraction, step.format);
    if (!computes_sums(step) || !step.accumulator) continue;
    const bool dense = step.operation == Operation::dense;
    const Index neurons = program_.values[static_cast<std::size_t>(step.output)].features;
    for (Index i = 0; i < n; ++i)
      for (Index o = 0; o < neurons; ++o)
        count_accumulation(entry, step, o, dense ? in.features : 1, from + i * in.features + (dense ? 0 : o),
                           in.fraction + step.weight_format.fraction());
  }
}

void Ledger::merge(const Ledger& other) {
  for (std::size_t v = 0; v < entries_.size(); ++v) {
    LedgerEntry& to = entries_[v];
    const LedgerEntry& from = other.entries_[v];
    to.numbers += from.numbers;
    to.rounded += from.rounded;
    to.ties += from.ties;
    to.negative += from.negative;
    to.saturated += from.saturated;
    to.wrapped += from.wrapped;
    to.observed = {std::min(to.observed.lo, from.observed.lo), std::max(to.observed.hi, from.observed.hi)};
  }
}

std::vector<LedgerEntry> Ledger::entries() const {
  std::vector<LedgerEntry> entries = entries_;
  for (LedgerEntry& entry : entries) {
    if (entry.numbers == 0) continue;
    const bool is_unsigned = entry.format.starts_with("ufixed");
    entry.headroom_bits = entry.width - signed_width(entry.observed) + (is_unsigned ? 1 : 0);
  }
  return entries;
}

std::vector<std::string> operands_of(const IntegerProgram& program, const IntegerStep& step, Index feature,
                                     Index sample, const std::int64_t* const* values) {
  std::vector<std::string> lines;
  const auto operand = [&](int v, Index f) {
    return values[v][sample * program.values[static_cast<std::size_t>(v)].features + f];
  };
  const auto name = [&](int v) { return program.values[static_cast<std::size_t>(v)].name; };
  if (!computes_sums(step)) {
    for (int input : step.inputs)
      lines.push_back(fmt::format("{}[{}] = {}", name(input), feature, operand(input, feature)));
    if (step.operation == Operation::quantize) lines.push_back("cast to " + fixed::to_string(step.format));
    return lines;
  }
  const bool dense = step.operation == Operation::dense;
  const int x = step.inputs[0];
  const Index terms = dense ? program.values[static_cast<std::size_t>(x)].features : 1;
  if (!step.bias.empty())
    lines.push_back(fmt::format("bias = {}", step.bias[static_cast<std::size_t>(feature)]));
  for (Index k = 0; k < terms; ++k) {
    const Index from = dense ? k : feature;
    lines.push_back(fmt::format("weight {} * {}[{}] = {}",
                                step.weights[static_cast<std::size_t>(feature * terms + k)], name(x), from,
                                operand(x, from)));
  }
  if (step.accumulator) lines.push_back("accumulated in " + fixed::to_string(*step.accumulator));
  return lines;
}

}  // namespace jsc
