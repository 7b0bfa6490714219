// The operations of jsc-fixed: their names and what they take, one table for the command line and for
// batches.
#pragma once

#include <array>
#include <string_view>

namespace jsc {

enum class FixedOperation { cast, add, subtract, multiply, divide, compare, negate, shift };

struct FixedOperationInfo {
  FixedOperation operation;
  std::string_view name;
  std::size_t fields;             // of a line of a batch, the name included
  std::string_view line, answer;  // a line of a batch, and what is appended to it
  std::string_view help;
};

inline constexpr std::array<FixedOperationInfo, 8> kFixedOperations = {{
    {FixedOperation::cast, "cast", 4, "cast;SRC_FORMAT;raw;DST_FORMAT", ";raw",
     "round, then handle overflow"},
    {FixedOperation::add, "add", 5, "add;FORMAT;raw;FORMAT;raw", ";RESULT_FORMAT;raw", "a + b, exact"},
    {FixedOperation::subtract, "sub", 5, "sub;FORMAT;raw;FORMAT;raw", ";RESULT_FORMAT;raw", "a - b, exact"},
    {FixedOperation::multiply, "mul", 5, "mul;FORMAT;raw;FORMAT;raw", ";RESULT_FORMAT;raw", "a * b, exact"},
    {FixedOperation::divide, "div", 5, "div;FORMAT;raw;FORMAT;raw", ";RESULT_FORMAT;raw",
     "a / b, truncated toward zero"},
    {FixedOperation::compare, "cmp", 5, "cmp;FORMAT;raw;FORMAT;raw", ";-1|0|1",
     "-1, 0 or 1: a < b, a = b, a > b"},
    {FixedOperation::negate, "neg", 3, "neg;FORMAT;raw", ";RESULT_FORMAT;raw", "-a, exact"},
    {FixedOperation::shift, "shift", 4, "shift;FORMAT;raw;LEFT", ";raw",
     "a << LEFT, a >> -LEFT; the format stays, bits are lost"},
}};

// Throws Error with the nearest name when there is no such operation.
const FixedOperationInfo& fixed_operation(std::string_view name);

}  // namespace jsc
