#include "quant/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/kernels/cast_rows.hpp"

namespace jsc {

namespace {

std::int64_t& overflow_count(LedgerEntry& entry, const fixed::Format& format, bool negative) {
  const bool wraps = format.overflow == fixed::Overflow::wrap || format.overflow == fixed::Overflow::wrap_sm;
  if (wraps) return entry.wrapped;
  return negative && !format.is_signed ? entry.negative : entry.saturated;
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

// |raw| < 2^62, so a shift by more leaves no number that is exact but 0, and no tie.
CastEvents<std::int64_t> events_of(int fraction, const fixed::Format& format) {
  const int shift = fraction - format.fraction();
  const Range kept = kept_by_cast(fraction, format);
  CastEvents<std::int64_t> events{0, -1, kept.lo, kept.hi};
  if (shift > 0) events.below_one = (std::int64_t{1} << std::min(shift, 62)) - 1;
  if (shift > 0 && shift <= 62) events.half = std::int64_t{1} << (shift - 1);
  return events;
}

void add_counts(LedgerEntry& entry, const fixed::Format& format, const CastCounts& counts) {
  entry.rounded += counts.rounded;
  entry.ties += counts.ties;
  overflow_count(entry, format, true) += counts.below;
  overflow_count(entry, format, false) += counts.above;
}

void count_input(LedgerEntry& entry, float x, const fixed::Format& format) {
  const double scaled = std::ldexp(static_cast<double>(x), format.fraction());
  const double beyond = scaled - std::floor(scaled);
  if (beyond != 0) ++entry.rounded;
  if (beyond == 0.5) ++entry.ties;
  // Rounding moves a number by less than 1: well within the format it cannot overflow.
  const bool within = scaled > static_cast<double>(format.min_raw()) + 1 &&
                      scaled < static_cast<double>(format.max_raw()) - 1;
  if (!within && fixed::from_double_detailed(x, format).overflowed) ++overflow_count(entry, format, x < 0);
}

bool computes_sums(const IntegerStep& step) {
  return step.operation == Operation::dense || step.operation == Operation::scale_shift;
}

}  // namespace

Ledger::Ledger(const IntegerProgram& program, Isa isa) : program_(program), isa_(isa) {
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
    const int fraction = program.values[static_cast<std::size_t>(step.inputs[0])].fraction;
    StepCasts& casts = casts_.emplace_back();
    if (step.operation == Operation::quantize) {
      cast_to(step.output, step.format);
      casts.quantize = events_of(fraction, step.format);
    }
    if (step.accumulator) {
      cast_to(step.output, *step.accumulator);
      casts.bias = events_of(step.bias_format.fraction(), *step.accumulator);
      casts.product = events_of(fraction + step.weight_format.fraction(), *step.accumulator);
      casts.sum = events_of(step.accumulator->fraction(), *step.accumulator);
    }
    if (!step.sum_widths.empty()) entry.width = *std::ranges::max_element(step.sum_widths);
  }
}

void Ledger::add(ConstMatrix x, const std::int64_t* const* values) {
  const Index n = x.cols;
  const IntegerKernelsOf<std::int64_t>& kernels = integer_kernels(isa_).wide;
  for (std::size_t v = 0; v < entries_.size(); ++v) {
    LedgerEntry& entry = entries_[v];
    const Index count = n * program_.values[v].features;
    entry.numbers += count;
    kernels.widen(count, values[v], entry.observed.lo, entry.observed.hi);
  }
  for (const IntegerInput& input : program_.inputs)
    for (Index f = 0; f < x.rows; ++f)
      for (Index i = 0; i < n; ++i)
        count_input(entries_[static_cast<std::size_t>(input.value)], x(f, i), input.format);
  for (std::size_t s = 0; s < program_.steps.size(); ++s) {
    const IntegerStep& step = program_.steps[s];
    const std::int64_t* from = values[step.inputs[0]];
    if (step.operation == Operation::quantize) {
      const Index features = program_.values[static_cast<std::size_t>(step.inputs[0])].features;
      CastCounts counts;
      kernels.count(n * features, from, casts_[s].quantize, counts);
      add_counts(entries_[static_cast<std::size_t>(step.output)], step.format, counts);
    }
    if (computes_sums(step) && step.accumulator) count_accumulation(s, n, from);
  }
}

// The sums once more, all samples at a time, to see every cast on the way; from is [n][features].
void Ledger::count_accumulation(std::size_t s, Index n, const std::int64_t* from) {
  const IntegerStep& step = program_.steps[s];
  const StepCasts& casts = casts_[s];
  const fixed::Format& accumulator = *step.accumulator;
  const IntegerKernelsOf<std::int64_t>& kernels = integer_kernels(isa_).wide;
  const IntegerValue& in = program_.values[static_cast<std::size_t>(step.inputs[0])];
  const Index neurons = program_.values[static_cast<std::size_t>(step.output)].features;
  const Index terms = step.operation == Operation::dense ? in.features : 1;
  const int product_fraction = in.fraction + step.weight_format.fraction();
  rows_.resize(static_cast<std::size_t>(in.features * n));
  row_.resize(static_cast<std::size_t>(n));
  sums_.resize(static_cast<std::size_t>(n));
  for (Index f = 0; f < in.features; ++f)
    for (Index i = 0; i < n; ++i) rows_[static_cast<std::size_t>(f * n + i)] = from[i * in.features + f];
  CastCounts counts;
  for (Index o = 0; o < neurons; ++o) {
    std::ranges::fill(sums_, 0);
    if (!step.bias.empty()) {
      std::ranges::fill(sums_, step.bias[static_cast<std::size_t>(o)]);
      kernels.count(n, sums_.data(), casts.bias, counts);
      cast_row(isa_, n, sums_.data(), step.bias_format.fraction(), accumulator, sums_.data());
    }
    for (Index k = 0; k < terms; ++k) {
      const Index x = step.operation == Operation::dense ? k : o;
      kernels.scale(n, step.weights[static_cast<std::size_t>(o * terms + k)], rows_.data() + x * n,
                    row_.data());
      kernels.count(n, row_.data(), casts.product, counts);
      cast_row(isa_, n, row_.data(), product_fraction, accumulator, row_.data());
      kernels.add(n, sums_.data(), row_.data(), sums_.data());
      kernels.count(n, sums_.data(), casts.sum, counts);
      cast_row(isa_, n, sums_.data(), accumulator.fraction(), accumulator, sums_.data());
    }
  }
  add_counts(entries_[static_cast<std::size_t>(step.output)], accumulator, counts);
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
