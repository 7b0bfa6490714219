#include "quant/integer/fuse.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/integer/range_analysis.hpp"

namespace jsc {

namespace {

// Lanes hold numbers up to 2^kLaneBits, which leaves room for what rounding adds.
constexpr int kLaneBits = 30;
// A sum in two parts (LayerKernels::dot_split) drops 8 bits and keeps one that tells whether they were 0.
constexpr int kSplitBits = 8, kSplitFraction = 7;

bool within(Range range, std::int64_t lo, std::int64_t hi) {
  return range.lo >= lo && range.hi <= hi;
}
bool within_bits(Range range, int bits) {
  return within(range, -(std::int64_t{1} << bits), (std::int64_t{1} << bits) - 1);
}
bool fits_lanes(Range range) {
  return within_bits(range, kLaneBits);
}

Range hull(const std::vector<Range>& ranges) {
  Range all = ranges[0];
  for (const Range& range : ranges) all = {std::min(all.lo, range.lo), std::max(all.hi, range.hi)};
  return all;
}
Range hull(const std::vector<std::int64_t>& numbers) {
  const auto [lo, hi] = std::ranges::minmax_element(numbers);
  return {*lo, *hi};
}

std::int32_t low_word(std::int64_t number) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(number)));
}
std::int32_t twice(std::int64_t half) {  // in both halves of a word
  return low_word((half & 0xffff) * 0x10001);
}

// Thrown where a program does not fuse; fuse() turns it into nothing.
struct DoesNotFuse {};
void require(bool fuses) {
  if (!fuses) throw DoesNotFuse();
}

class Fusing {
 public:
  Fusing(const IntegerProgram& program, bool with_bytes) : program_(program), with_bytes_(with_bytes) {}

  FusedNetwork run() {
    require(program_.inputs.size() == 1);
    int current = program_.inputs[0].value;
    network_.input = program_.inputs[0].format;
    IntegerValue& input = value(current);
    input.ranges.assign(static_cast<std::size_t>(input.features), full_range(network_.input));
    begin_layer(LayerSource::input, input.features, input.features);
    range_ = full_range(network_.input);
    fraction_ = input.fraction;
    require(fits_lanes(range_));
    for (const IntegerStep& step : program_.steps) {
      require(step.inputs.size() == 1 && step.inputs[0] == current);
      const std::vector<Range> ranges = analyze(program_, step).ranges;
      fuse_step(step, hull(ranges));
      value(step.output).ranges = ranges;
      range_ = inexact_ ? range_ : hull(ranges);
      current = step.output;
    }
    require(current == program_.result && !inexact_);
    return std::move(network_);
  }

 private:
  IntegerValue& value(int v) { return program_.values[static_cast<std::size_t>(v)]; }
  FusedLayer& layer() { return network_.layers.back(); }
  // Of what there is one of for every row.
  std::size_t room() { return static_cast<std::size_t>(round_up(layer().rows, kRowsOfOne)); }

  void begin_layer(LayerSource source, Index rows, Index groups) {
    network_.layers.push_back({source, round_up(rows, 4), groups, {}, {}, {}, {}, {}, Packing::words, 255});
  }

  void fuse_step(const IntegerStep& step, Range result) {
    switch (step.operation) {
      case Operation::quantize:
        return cast(step.format);
      case Operation::relu:
        if (range_.lo < 0) clamp(0, INT32_MAX);
        range_ = {std::max<std::int64_t>(range_.lo, 0), std::max<std::int64_t>(range_.hi, 0)};
        return;
      case Operation::dense:
        return dense(step, result);
      case Operation::scale_shift:
        return scale_shift(step, result);
      case Operation::add:
      case Operation::sub:
      case Operation::mul:
        return require(false);
    }
  }

  FusedStep& append(LaneOperation operation, int shift = 0, std::int64_t a = 0, std::int64_t b = 0) {
    layer().steps.push_back({operation, shift, low_word(a), low_word(b), {}, {}});
    return layer().steps.back();
  }

  // One clamp after another is a clamp.
  void clamp(std::int64_t lo, std::int64_t hi) {
    std::vector<FusedStep>& steps = layer().steps;
    if (!steps.empty() && steps.back().operation == LaneOperation::clamp) {
      FusedStep& last = steps.back();
      last.a = low_word(std::clamp<std::int64_t>(last.a, lo, hi));
      last.b = low_word(std::clamp<std::int64_t>(last.b, lo, hi));
    } else {
      append(LaneOperation::clamp, 0, lo, hi);
    }
  }

  // range_ in fraction_ to `format`.
  void cast(const fixed::Format& format) {
    const int shift = fraction_ - format.fraction();
    require(format.width <= kLaneBits && shift >= -kLaneBits && shift <= kLaneBits &&
            (!inexact_ || shift >= 2));
    if (shift > 0) round(shift, format.rounding);
    const fixed::Wide lo = fixed::round_shift(range_.lo, shift, format.rounding);
    const fixed::Wide hi = fixed::round_shift(range_.hi, shift, format.rounding);
    range_ = {static_cast<std::int64_t>(lo), static_cast<std::int64_t>(hi)};  // 2^60 at most
    require(fits_lanes(range_));
    if (shift < 0) append(LaneOperation::shift_left, -shift);
    fraction_ = format.fraction();
    inexact_ = false;
    overflow(format);
  }

  // `>>` floors; what is added before it moves the boundary between two results to where the mode wants it.
  void round(int shift, fixed::Rounding rounding) {
    using fixed::Rounding;
    using enum LaneOperation;
    const std::int64_t half = std::int64_t{1} << (shift - 1), below_one = 2 * half - 1;
    switch (rounding) {
      case Rounding::trn:
        append(shift_right, shift);
        return;
      case Rounding::ceil:
        offset(below_one);
        append(shift_right, shift);
        return;
      case Rounding::rnd:
        offset(half);
        append(shift_right, shift);
        return;
      case Rounding::rnd_min_inf:
        offset(half - 1);
        append(shift_right, shift);
        return;
      case Rounding::trn_zero:
        append(round_sign, shift, 0, below_one);
        return;
      case Rounding::up:
        append(round_sign, shift, below_one, -below_one);
        return;
      case Rounding::rnd_zero:  // a tie goes up if the number is negative
        append(round_sign, shift, half - 1, 1);
        return;
      case Rounding::rnd_inf:
        append(round_sign, shift, half, -1);
        return;
      case Rounding::rnd_conv:  // a tie has gone up
        offset(half);
        append(round_even, shift, below_one);
        return;
      case Rounding::rnd_conv_odd:  // a tie has gone down
        offset(half - 1);
        append(round_odd, shift, below_one);
        return;
    }
  }

  // A constant: onto one that is added already, if there is any.
  void offset(std::int64_t constant) {
    if (constant == 0) return;
    std::vector<FusedStep>& steps = layer().steps;
    const bool sums = layer().source == LayerSource::dot_bytes || layer().source == LayerSource::dot_shorts;
    if (steps.empty() ? !sums : steps.back().offsets.empty())
      append(LaneOperation::add).offsets.assign(room(), 0);
    for (std::int32_t& number : steps.empty() ? layer().bias : steps.back().offsets)
      number = low_word(number + constant);
  }

  // range_, rounded, into the range of `format`.
  void overflow(const fixed::Format& format) {
    using fixed::Overflow;
    const bool symmetric = format.overflow == Overflow::sat_sym && format.is_signed && format.width > 1;
    const Range kept{static_cast<std::int64_t>(symmetric ? -format.max_raw() : format.min_raw()),
                     static_cast<std::int64_t>(format.max_raw())};
    if (within(range_, kept.lo, kept.hi)) return;
    range_ = kept;
    switch (format.overflow) {
      case Overflow::sat:
      case Overflow::sat_sym:
        return clamp(kept.lo, kept.hi);
      case Overflow::sat_zero:
        append(LaneOperation::zero_outside, 0, kept.lo, kept.hi);
        return;
      case Overflow::wrap:
        require(format.saturated_bits == 0);
        if (format.is_signed)
          append(LaneOperation::wrap, 32 - format.width);
        else
          append(LaneOperation::mask, 0, kept.hi);
        return;
      case Overflow::wrap_sm:
        return require(false);
    }
  }

  // A sum's register must hold what range analysis finds (a program with a fault in it may have a shorter
  // one).
  void require_registers(const IntegerStep& step) {
    const std::vector<Range> ranges = analyze(program_, step).ranges;
    for (std::size_t i = 0; i < ranges.size(); ++i) require(signed_width(ranges[i]) <= step.sum_widths[i]);
  }

  std::vector<std::int32_t> aligned_bias(const IntegerStep& step, int fraction) {
    std::vector<std::int32_t> bias(room(), 0);
    const int shift = fraction - step.bias_format.fraction();
    for (std::size_t i = 0; i < step.bias.size(); ++i) {
      require(shift >= 0 && shift <= kLaneBits);
      bias[i] = low_word(static_cast<std::int64_t>(static_cast<std::uint64_t>(step.bias[i]) << shift));
    }
    return bias;
  }

  std::vector<std::int32_t> accumulator_bias(const IntegerStep& step) {
    std::vector<std::int32_t> bias(room(), 0);
    for (std::size_t i = 0; i < step.bias.size(); ++i)
      bias[i] = low_word(static_cast<std::int64_t>(
          fixed::cast(step.bias[i], step.bias_format.fraction(), *step.accumulator)));
    return bias;
  }

  // w x + b with one w a feature, exactly or through the casts of an accumulator.
  void scale_shift(const IntegerStep& step, Range result) {
    require(!inexact_);
    const int product_fraction = fraction_ + step.weight_format.fraction();
    const int fraction = value(step.output).fraction;
    const int align = step.accumulator ? 0 : fraction - product_fraction;
    require(align >= 0 && align <= kLaneBits);
    std::vector<std::int32_t> weights(room(), 0);
    Range scaled{INT64_MAX, INT64_MIN};
    for (std::size_t i = 0; i < step.weights.size(); ++i) {
      require(within_bits({step.weights[i], step.weights[i]}, kLaneBits));
      const std::int64_t weight = step.weights[i] * (std::int64_t{1} << align);
      require(within_bits({weight, weight}, kLaneBits));
      weights[i] = low_word(weight);
      for (const std::int64_t end : {weight * range_.lo, weight * range_.hi})
        scaled = {std::min(scaled.lo, end), std::max(scaled.hi, end)};
    }
    require(fits_lanes(scaled));
    const bool shorts = within_bits(range_, 15) && std::ranges::all_of(weights, [](auto w) {
                          return within_bits({w, w}, 15);
                        });
    FusedStep& product = append(shorts ? LaneOperation::multiply_add_short : LaneOperation::multiply_add);
    product.weights = std::move(weights);
    if (step.accumulator) {
      product.offsets.assign(product.weights.size(), 0);
      range_ = scaled;
      fraction_ = product_fraction;
      cast(*step.accumulator);
      append(LaneOperation::add).offsets = accumulator_bias(step);
      range_ = {2 * range_.lo, 2 * range_.hi};
      for (const std::int64_t bias : step.bias) {
        const auto start =
            static_cast<std::int64_t>(fixed::cast(bias, step.bias_format.fraction(), *step.accumulator));
        range_ = {std::min(range_.lo, range_.lo + start), std::max(range_.hi, range_.hi + start)};
      }
      cast(*step.accumulator);
      return;
    }
    require_registers(step);
    require(fits_lanes(result));
    product.offsets = aligned_bias(step, fraction);
    fraction_ = fraction;
  }

  void dense(const IntegerStep& step, Range result) {
    require(!inexact_ && within_bits(hull(step.weights), 15));
    const Index in = value(step.inputs[0]).features, out = value(step.output).features;
    if (step.accumulator) return accumulate_halves(step, in, out);
    require_registers(step);
    const Range weights = hull(step.weights);
    const bool narrow = fits_lanes(result);
    const bool bytes = narrow && with_bytes_ && within_bits(weights, 7) &&
                       (within(range_, 0, 255) || within(range_, -128, 127));
    const int fraction = value(step.output).fraction;
    const int align = fraction - (fraction_ + step.weight_format.fraction());
    require(align <= kLaneBits);  // it is larger where all weights are 0
    if (bytes)
      dot_bytes(step, in, out);
    else if (within_bits(range_, 15) && narrow)
      dot_shorts(step, in, out);
    else
      return dot_split(step, in, out);
    std::vector<std::int32_t> bias = aligned_bias(step, fraction);
    if (align == 0) {  // bytes have put something there already
      for (std::size_t o = 0; o < bias.size(); ++o)
        layer().bias[o] = low_word(std::int64_t{layer().bias[o]} + bias[o]);
    } else {
      append(LaneOperation::shift_left, align);
      append(LaneOperation::add).offsets = std::move(bias);
    }
    fraction_ = fraction;
  }

  // Where the weight of a row and group lies (LayerArguments).
  std::size_t place(Index row, Index group) {
    const Index block = row / kWeightRows;
    return static_cast<std::size_t>((block * layer().groups + group) * kWeightRows + row % kWeightRows);
  }
  std::vector<std::int32_t> no_weights() {
    return std::vector<std::int32_t>(room() * static_cast<std::size_t>(layer().groups), 0);
  }

  // Packs [out][in] numbers of `bits` bits into words.
  std::vector<std::int32_t> packed(const std::vector<std::int64_t>& numbers, Index in, int bits) {
    const Index per_word = 32 / bits;
    std::vector<std::int32_t> words = no_weights();
    for (Index i = 0; i < std::ssize(numbers); ++i) {
      const Index o = i / in, k = i % in;
      const auto field =
          static_cast<std::uint64_t>(numbers[static_cast<std::size_t>(i)]) & ((std::uint64_t{1} << bits) - 1);
      std::int32_t& word = words[place(o, k / per_word)];
      word = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) |
                                       static_cast<std::uint32_t>(field << (bits * (k % per_word))));
    }
    return words;
  }

  void dot_bytes(const IntegerStep& step, Index in, Index out) {
    const int offset = range_.lo < 0 ? 128 : 0;  // x is unsigned: the sums take it off again
    pack_bytes(offset != 0);
    begin_layer(LayerSource::dot_bytes, out, round_up(in, 4) / 4);
    layer().weights = packed(step.weights, in, 8);
    layer().bias.assign(room(), 0);
    for (Index i = 0; i < out * in; ++i) {
      std::int32_t& bias = layer().bias[static_cast<std::size_t>(i / in)];
      bias = low_word(bias - step.weights[static_cast<std::size_t>(i)] * offset);
    }
  }

  // Packing saturates, so that a clamp to its limits is not needed.
  void pack_bytes(bool is_signed) {
    layer().packing = is_signed ? Packing::signed_bytes : Packing::bytes;
    std::vector<FusedStep>& steps = layer().steps;
    if (steps.empty() || steps.back().operation != LaneOperation::clamp) return;
    const FusedStep& clamp = steps.back();
    if (is_signed ? clamp.a != -128 || clamp.b != 127 : clamp.a != 0 || clamp.b > 255) return;
    if (!is_signed) layer().largest = clamp.b;
    steps.pop_back();
  }

  void dot_shorts(const IntegerStep& step, Index in, Index out) {
    layer().packing = Packing::shorts;
    begin_layer(LayerSource::dot_shorts, out, round_up(in, 2) / 2);
    layer().weights = packed(step.weights, in, 16);
    layer().bias.assign(room(), 0);
  }

  // Each weight as high 2^8 + low, each part's sum in 32 bits.
  void dot_split(const IntegerStep& step, Index in, Index out) {
    const int product_fraction = fraction_ + step.weight_format.fraction();
    require(within_bits(range_, 15) && value(step.output).fraction == product_fraction);
    const std::int64_t largest = std::max(-range_.lo, range_.hi);
    std::vector<std::int64_t> high, low;
    for (const std::int64_t weight : step.weights) {
      high.push_back(weight >> kSplitBits);
      low.push_back(weight & 255);
    }
    layer().packing = Packing::shorts;
    begin_layer(LayerSource::dot_split, out, round_up(in, 2) / 2);
    layer().weights = packed(high, in, 16);
    layer().low_weights = packed(low, in, 16);
    layer().bias.assign(room(), 0);
    layer().low_bias = layer().bias;
    const int bias_shift = product_fraction - step.bias_format.fraction();
    std::int64_t most = 0;
    for (Index o = 0; o < out; ++o) {
      std::int64_t bias = 0;
      if (!step.bias.empty()) {
        bias = step.bias[static_cast<std::size_t>(o)];
        require(bias_shift >= 0 && bias_shift <= kLaneBits && within_bits({bias, bias}, kLaneBits));
        bias *= std::int64_t{1} << bias_shift;
      }
      std::int64_t high_sum = std::abs(bias >> kSplitBits) + 1, low_sum = 255;
      for (Index k = o * in; k < (o + 1) * in; ++k) {
        high_sum += std::abs(high[static_cast<std::size_t>(k)]) * largest;
        low_sum += low[static_cast<std::size_t>(k)] * largest;
      }
      require(within_bits({-high_sum, high_sum}, kLaneBits) && within_bits({-low_sum, low_sum}, kLaneBits));
      most = std::max(most, 2 * (high_sum + (low_sum >> kSplitBits) + 1) + 1);
      layer().bias[static_cast<std::size_t>(o)] = low_word(bias >> kSplitBits);
      layer().low_bias[static_cast<std::size_t>(o)] = low_word(bias & 255);
    }
    range_ = {-most, most};
    require(fits_lanes(range_));
    fraction_ = product_fraction - kSplitFraction;
    inexact_ = true;
  }

  // sum = acc(sum + acc(w x)) where acc floors and wraps to 16 bits or less: modulo 2^16 the sum of
  // floor(w x / 2^shift), of w x 2^-shift where the accumulator has more fraction bits. With w 2^(16 - shift)
  // = v 2^16 + u, that is floor(u x / 2^16) + v x.
  void accumulate_halves(const IntegerStep& step, Index in, Index out) {
    const fixed::Format& format = *step.accumulator;
    const int shift = fraction_ + step.weight_format.fraction() - format.fraction();
    require(format.rounding == fixed::Rounding::trn && format.overflow == fixed::Overflow::wrap &&
            format.saturated_bits == 0 && format.is_signed && format.width <= 16 && shift >= -16 &&
            shift <= 16 && within_bits(range_, 15));
    layer().packing = Packing::halves;
    begin_layer(LayerSource::accumulate_halves, out, in);
    std::vector<std::int32_t> rests = no_weights(), multiples = no_weights();
    for (Index i = 0; i < std::ssize(step.weights); ++i) {
      const std::int64_t scaled =
          step.weights[static_cast<std::size_t>(i)] * (std::int64_t{1} << (16 - shift));
      const std::int64_t multiple = (scaled + 32768) >> 16;
      rests[place(i / in, i % in)] = twice(scaled - multiple * 65536);
      multiples[place(i / in, i % in)] = twice(multiple);
    }
    FusedLayer& fused = layer();
    const auto unless_all_0 = [](std::vector<std::int32_t> words) {
      return std::ranges::any_of(words, [](auto w) { return w != 0; }) ? words : std::vector<std::int32_t>();
    };
    fused.weights = unless_all_0(std::move(rests));
    fused.low_weights = unless_all_0(std::move(multiples));
    fused.bias = accumulator_bias(step);
    for (std::int32_t& word : fused.bias) word = twice(word);
    if (format.width < 16) append(LaneOperation::wrap, 32 - format.width);
    range_ = full_range(format);
    fraction_ = format.fraction();
  }

  IntegerProgram program_;
  bool with_bytes_;
  FusedNetwork network_;
  // What stands in the lanes: raw numbers of a binary point, or (inexact_) what dot_split left of them.
  Range range_;
  int fraction_ = 0;
  bool inexact_ = false;
};

}  // namespace

std::optional<FusedNetwork> fuse(const IntegerProgram& program, bool with_bytes) {
  try {
    return Fusing(program, with_bytes).run();
  } catch (const DoesNotFuse&) {
    return std::nullopt;
  } catch (const Error&) {  // a sum of more than 63 bits
    return std::nullopt;
  }
}

}  // namespace jsc
