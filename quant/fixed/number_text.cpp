// Reading and writing numbers. Both ways are exact: a decimal is kept as N · 10^d · 2^b with integers of any
// size, never as a double (docs/fixed_point.md, FX-17).
#include <algorithm>
#include <charconv>

#include "quant/fixed/big_integer.hpp"
#include "quant/fixed/text.hpp"

namespace jsc::fixed {
namespace {

constexpr int kMaxDigits = 100'000;  // of a number's text, and the largest exponent in it
constexpr std::string_view kDigits = "0123456789abcdef";

// (-1)^negative · digits · 10^tens · 2^twos; one of the exponents is 0.
struct Parsed {
  enum class Kind : std::uint8_t { finite, infinite, nan };
  Kind kind = Kind::finite;
  bool negative = false;
  BigInteger digits;
  int tens = 0, twos = 0;
};

[[noreturn]] void fail(std::string_view text, std::size_t at, const std::string& expected) {
  const std::string found = at < text.size() ? "'" + std::string(1, text[at]) + "'" : "the end";
  throw Error("number '" + std::string(text) + "', character " + std::to_string(at + 1) + ": expected " +
              expected + ", found " + found);
}

int digit_value(char c, int base) {
  const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const std::size_t value = kDigits.find(lower);
  return value < static_cast<std::size_t>(base) ? static_cast<int>(value) : -1;
}

Parsed parse(std::string_view text) {
  Parsed number;
  std::size_t at = 0;
  if (text.size() > kMaxDigits)
    throw Error("a number of " + std::to_string(text.size()) + " characters: expected at most " +
                std::to_string(kMaxDigits));
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) number.negative = text[at++] == '-';
  const std::string_view body = text.substr(at);
  if (body == "inf" || body == "infinity" || body == "nan") {
    number.kind = body == "nan" ? Parsed::Kind::nan : Parsed::Kind::infinite;
    return number;
  }
  const int base = body.substr(0, 2) == "0x" || body.substr(0, 2) == "0X" ? 16 : 10;
  if (base == 16) at += 2;
  int after_point = 0;
  bool point = false, any = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !point) {
      point = true;
      continue;
    }
    const int digit = digit_value(text[at], base);
    if (digit < 0) break;
    number.digits.multiply_add(static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(digit));
    any = true;
    after_point += point ? 1 : 0;
  }
  if (!any) fail(text, at, "a digit");
  int exponent = 0;
  const char letter = base == 16 ? 'p' : 'e';
  if (at < text.size() && (text[at] == letter || text[at] == letter - 'a' + 'A')) {
    ++at;
    if (text.substr(at, 1) == "+" && text.substr(at + 1, 1) != "-") ++at;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (error != std::errc{} || exponent > kMaxDigits || exponent < -kMaxDigits)
      fail(text, at, "an exponent from " + std::to_string(-kMaxDigits) + " to " + std::to_string(kMaxDigits));
    at = static_cast<std::size_t>(stop - text.data());
  }
  if (at != text.size()) fail(text, at, "the end or another digit");
  (base == 16 ? number.twos : number.tens) = exponent - after_point * (base == 16 ? 4 : 1);
  return number;
}

// value · 2^fraction as a Wide for cast_detailed, with two bits below the LSB of which the last one is
// sticky: it says that something nonzero was cut off, which is all that rounding needs to know of it.
Wide with_sticky_bits(const Parsed& number, int fraction) {
  const int twos = number.twos + fraction + 2;
  BigInteger size = number.digits;
  size.multiply_power(10, std::max(number.tens, 0));
  size.shift_left(std::max(twos, 0));
  bool sticky = size.divide_power_of_ten(std::max(-number.tens, 0));
  sticky = size.shift_right(std::max(-twos, 0)) || sticky;
  // Beyond 100 bits every format of 64 sees the low bits, the sign, and that it is too large.
  constexpr int kFar = 100;
  UWide raw = size.low_bits();
  if (size.bit_length() > kFar) raw = (raw & ((UWide{1} << kFar) - 1)) | UWide{1} << (kFar + 1);
  const Wide magnitude = static_cast<Wide>(raw | (sticky ? 1 : 0));
  return number.negative ? -magnitude : magnitude;
}

// digits · 10^-places in plain notation, without zeros at the end.
std::string plain(const BigInteger& digits, int places, bool negative) {
  std::string text = digits.to_decimal();
  if (digits.is_zero()) return text;
  const auto fractional = static_cast<std::size_t>(std::max(places, 0));
  if (text.size() <= fractional) text.insert(0, fractional + 1 - text.size(), '0');
  if (fractional > 0) {
    text.insert(text.size() - fractional, ".");
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return (negative ? "-" : "") + text;
}

// size · 10^tens · 2^twos, both exponents at least 0.
BigInteger scaled(BigInteger size, int tens, int twos) {
  size.multiply_power(10, tens);
  size.shift_left(twos);
  return size;
}

}  // namespace

std::string to_string(Wide integer) {
  return to_decimal(integer, 0);
}

std::string to_decimal(Wide raw, int fraction) {
  BigInteger digits(magnitude(raw));
  if (fraction > 0)
    digits.multiply_power(5, fraction);  // raw · 2^-F = raw · 5^F · 10^-F
  else
    digits.shift_left(-fraction);
  return plain(digits, fraction, raw < 0);
}

std::string to_hex(Wide raw, int fraction) {
  const int digits = std::max(1, (bit_length(magnitude(raw)) + 3) / 4);
  return std::string(raw < 0 ? "-" : "") + bits_in_hex(static_cast<Wide>(magnitude(raw)), 4 * digits) + 'p' +
         (fraction > 0 ? "-" : "+") + std::to_string(fraction > 0 ? fraction : -fraction);
}

std::string bits_in_hex(Wide raw, int width) {
  const UWide bits = static_cast<UWide>(raw) & ~(width < kWideBits ? ~UWide{0} << width : UWide{0});
  std::string text = "0x";
  for (int place = (width + 3) / 4; place-- > 0;)
    text += kDigits[static_cast<std::size_t>(bits >> (4 * place) & 15)];
  return text;
}

std::string bits_in_binary(Wide raw, int width) {
  std::string text;
  for (int place = width; place-- > 0;) text += bit(raw, place) ? '1' : '0';
  return text;
}

Cast parse_number(std::string_view text, const Format& to) {
  check(to);
  const Parsed number = parse(text);
  if (number.kind == Parsed::Kind::nan) return {0, false, true};
  if (number.kind == Parsed::Kind::infinite)
    return cast_detailed(number.negative ? -1 : 1, -4 * kMaxInteger, to);
  return cast_detailed(with_sticky_bits(number, to.fraction()), to.fraction() + 2, to);
}

std::string difference_from(Wide raw, int fraction, std::string_view text) {
  const Parsed number = parse(text);
  if (number.kind != Parsed::Kind::finite)
    throw Error("number '" + std::string(text) + "': expected a finite one");
  // Both as integers over 10^places · 2^cut.
  const int places = std::max(-number.tens, 0), cut = std::max({fraction, -number.twos, 0});
  BigInteger a = scaled(BigInteger(magnitude(raw)), places, cut - fraction);
  BigInteger b = scaled(number.digits, places + number.tens, cut + number.twos);
  bool negative = raw < 0;
  if (negative != number.negative) {
    a.add(b);
  } else if (a.compare(b) >= 0) {
    a.subtract(b);
  } else {
    b.subtract(a);
    a = b;
    negative = !negative;
  }
  a.multiply_power(5, cut);  // 2^-cut = 5^cut · 10^-cut
  return plain(a, places + cut, negative);
}

}  // namespace jsc::fixed
