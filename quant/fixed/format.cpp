// The checks of a format: what is wrong, in words.
#include "quant/fixed/format.hpp"

#include <string>

#include "quant/fixed/text.hpp"

namespace jsc::fixed {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& expected, int found) {
  throw Error("fixed-point format: " + what + ": expected " + expected + ", found " + std::to_string(found));
}

void check_integer(const Format& f) {
  if (f.integer < -kMaxInteger || f.integer > kMaxInteger)
    refuse("integer bits", std::to_string(-kMaxInteger) + " to " + std::to_string(kMaxInteger), f.integer);
}

}  // namespace

void check(const Format& f) {
  if (f.width < 1 || f.width > kMaxWidth) refuse("width", "1 to " + std::to_string(kMaxWidth), f.width);
  check_integer(f);
  if (f.saturated_bits < 0 || f.saturated_bits > f.width)
    refuse("saturated bits N", "0 to the width, " + std::to_string(f.width), f.saturated_bits);
  if (!f.is_signed && f.overflow == Overflow::wrap_sm)
    throw Error("fixed-point format: WRAP_SM: expected a signed format, found an unsigned one");
}

void check_result(const Format& f) {
  const int most = f.is_signed ? kWideBits : kWideBits - 1;
  if (f.width < 1 || f.width > most)
    throw Error("the result " + to_string(f) + " is too wide: expected at most " + std::to_string(most) +
                " bits, found " + std::to_string(f.width));
  check_integer(f);
}

}  // namespace jsc::fixed
