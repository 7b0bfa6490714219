#include "apps/jsc_fixed/calculator.hpp"

#include <charconv>

#include "apps/jsc_fixed/operation.hpp"
#include "engine/error.hpp"
#include "quant/fixed/arithmetic.hpp"
#include "quant/fixed/text.hpp"

namespace jsc {
namespace {

using fixed::Cast;
using fixed::Format;
using fixed::Number;

std::string row(std::string_view key, std::string_view value) {
  return fmt::format("{:<10} {}\n", key, value);
}

std::string decimal(const Number& x) {
  return fixed::to_decimal(x.raw, x.format.fraction());
}

// value - text, or why there is none.
std::string error_of(const Number& x, const std::string& text) {
  if (text.find("inf") != std::string::npos) return text[0] == '-' ? "inf" : "-inf";
  if (text.find("nan") != std::string::npos) return "nan";
  return fixed::difference_from(x.raw, x.format.fraction(), text);
}

std::string number_rows(const Number& x) {
  return row("format", fixed::to_string(x.format)) + row("value", decimal(x)) +
         row("raw", fixed::to_string(x.raw)) +
         row("bits", fixed::bits_in_binary(x.raw, x.format.width) + "  " +
                         fixed::bits_in_hex(x.raw, x.format.width)) +
         row("hex", fixed::to_hex(x.raw, x.format.fraction()));
}

struct Operand {
  Number number;
  std::string text;  // as it was written
  Cast cast;
};

Operand operand(const std::string& format, const std::string& text) {
  const Format parsed = fixed::parse_format(format);
  const Cast cast = fixed::parse_number(text, parsed);
  return {{parsed, cast.raw}, text, cast};
}

// An operand, and what became of it when its format does not hold what was written.
std::string operand_row(std::string_view key, const Operand& x) {
  std::string text = fmt::format("{}  raw {}  {}", decimal(x.number), fixed::to_string(x.number.raw),
                                 fixed::to_string(x.number.format));
  if (x.cast.rounded || x.cast.overflowed)
    text += fmt::format("  ({}: {}{}{}, error {})", x.text, x.cast.rounded ? "rounded" : "",
                        x.cast.rounded && x.cast.overflowed ? " and " : "",
                        x.cast.overflowed ? "overflowed" : "", error_of(x.number, x.text));
  return row(key, text);
}

std::string cast_rows(const Operand& x) {
  return number_rows(x.number) + row("error", error_of(x.number, x.text)) +
         row("rounded", x.cast.rounded ? "yes" : "no") + row("overflowed", x.cast.overflowed ? "yes" : "no");
}

int bits_to_shift(const std::string& text) {
  int left = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), left);
  if (error != std::errc{} || stop != text.data() + text.size())
    fail("shift: expected a number of bits, found '{}'", text);
  return left;
}

std::string format_rows(const std::string& text) {
  const Format f = fixed::parse_format(text);
  const int fraction = f.fraction();
  const bool symmetric = f.overflow == fixed::Overflow::sat_sym && f.is_signed && f.width > 1;
  return row("format", fixed::to_full_string(f)) + row("signed", f.is_signed ? "yes" : "no") +
         row("width", fmt::format("{} bits", f.width)) + row("integer", fmt::format("{} bits", f.integer)) +
         row("fraction", fmt::format("{} bits", fraction)) +
         row("resolution", fixed::to_decimal(1, fraction)) +
         row("min", fmt::format("{}  raw {}", fixed::to_decimal(f.min_raw(), fraction),
                                fixed::to_string(f.min_raw()))) +
         row("max", fmt::format("{}  raw {}", fixed::to_decimal(f.max_raw(), fraction),
                                fixed::to_string(f.max_raw()))) +
         (symmetric ? row("SAT_SYM", fmt::format("casts never give min but {}",
                                                 fixed::to_decimal(-f.max_raw(), fraction)))
                    : "");
}

void expect_arguments(const std::vector<std::string>& arguments, std::size_t count, std::string_view what) {
  if (arguments.size() != count)
    fail("{}: expected {}, found {} argument{}", arguments[0], what, arguments.size() - 1,
         arguments.size() == 2 ? "" : "s");
}

}  // namespace

std::string fixed_calculation(const std::vector<std::string>& arguments) {
  if (arguments[0] == "format") {
    expect_arguments(arguments, 2, "FORMAT");
    return format_rows(arguments[1]);
  }
  const FixedOperationInfo& info = fixed_operation(arguments[0]);
  switch (info.operation) {
    case FixedOperation::cast: {
      expect_arguments(arguments, 3, "FORMAT NUMBER");
      return cast_rows(operand(arguments[1], arguments[2]));
    }
    case FixedOperation::negate: {
      expect_arguments(arguments, 3, "FORMAT NUMBER");
      const Operand a = operand(arguments[1], arguments[2]);
      return operand_row("a", a) + number_rows(fixed::negate(a.number));
    }
    case FixedOperation::shift: {
      expect_arguments(arguments, 4, "FORMAT NUMBER LEFT");
      const Operand a = operand(arguments[1], arguments[2]);
      return operand_row("a", a) + number_rows(fixed::shift(a.number, bits_to_shift(arguments[3])));
    }
    default:
      break;
  }
  expect_arguments(arguments, 5, "FORMAT NUMBER FORMAT NUMBER");
  const Operand a = operand(arguments[1], arguments[2]), b = operand(arguments[3], arguments[4]);
  const std::string operands = operand_row("a", a) + operand_row("b", b);
  switch (info.operation) {
    case FixedOperation::add:
      return operands + number_rows(fixed::add(a.number, b.number));
    case FixedOperation::subtract:
      return operands + number_rows(fixed::subtract(a.number, b.number));
    case FixedOperation::multiply:
      return operands + number_rows(fixed::multiply(a.number, b.number));
    case FixedOperation::divide:
      return operands + number_rows(fixed::divide(a.number, b.number));
    default:
      return operands + row("cmp", std::to_string(fixed::compare(a.number, b.number)));
  }
}

}  // namespace jsc
