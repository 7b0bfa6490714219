// The integer network: a flat list of steps over integer values, what hardware would compute. Nothing here is
// floating point. A value is [features][samples] of integers; value = raw * 2^-fraction.
//
//   quantize     y = cast of x to `format` (rounding, then overflow)
//   dense        y = W x + b, exactly, each neuron's sum in a register of its own proven width
//   scale_shift  the same with one weight a feature
//   relu         y = max(x, 0)
//   add sub mul  y = a + b, a - b, a b, exactly
// With `accumulator`, dense and scale_shift compute in hls4ml's order of casts instead: sum = acc(bias); for
// each input in order: sum = acc(sum + acc(w x)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quant/fixed/format.hpp"

namespace jsc {

enum class Operation : std::uint8_t { quantize, dense, scale_shift, relu, add, sub, mul };

std::string_view operation_name(Operation operation);
// Throws Error if there is none of that name.
Operation find_operation(std::string_view name);

// What can stand in a value, whatever the input: one entry a feature (range_analysis.hpp).
struct Range {
  std::int64_t lo = 0, hi = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

struct IntegerValue {
  std::string name;  // "seq_blocks_2.sum", as annotated on the tape
  std::int64_t features = 0;
  int fraction = 0;
  std::vector<Range> ranges;

  friend bool operator==(const IntegerValue&, const IntegerValue&) = default;
};

struct IntegerStep {
  Operation operation = Operation::quantize;
  std::vector<int> inputs;  // values
  int output = 0;

  // quantize
  fixed::Format format;

  // dense and scale_shift
  std::vector<std::int64_t> weights;  // [out][in], or [features]
  std::vector<std::int64_t> bias;     // [out]; empty: none
  fixed::Format weight_format, bias_format;
  std::optional<fixed::Format> accumulator;
  std::vector<int> sum_widths;  // bits of each neuron's register, with the sign; empty with an accumulator

  friend bool operator==(const IntegerStep&, const IntegerStep&) = default;
};

// A value that the network's input is quantized to.
struct IntegerInput {
  int value = 0;
  fixed::Format format;
  friend bool operator==(const IntegerInput&, const IntegerInput&) = default;
};

struct IntegerProgram {
  std::vector<IntegerValue> values;
  std::vector<IntegerInput> inputs;  // all of the same features
  std::vector<IntegerStep> steps;
  int result = 0;

  std::int64_t input_features() const;
  std::int64_t result_features() const;
  friend bool operator==(const IntegerProgram&, const IntegerProgram&) = default;
};

// Throws Error naming step and rule: values that exist and are written once before they are read; sizes,
// formats, numbers and binary points that fit each other and the arithmetic.
void check(const IntegerProgram& program);

// 64-bit XXH3 over everything that decides what the program computes, as 16 hexadecimal digits.
std::string program_hash(const IntegerProgram& program);

// Bits of a two's complement register that holds the range.
int signed_width(Range range);

}  // namespace jsc
