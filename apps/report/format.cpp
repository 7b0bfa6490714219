#include "apps/report/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace jsc {

namespace {

// "%.3g" without exponents, for values in [0, 1000): 1.23, 12.3, 123.
std::string three_digits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

std::string format_count(std::int64_t n) {
  const std::string digits = fmt::format("{}", n);
  const std::size_t first = n < 0 ? 1 : 0;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string format_si(double value) {
  static constexpr std::array kPrefixes = {"", " k", " M", " G", " T"};
  if (!std::isfinite(value) || value < 0) return "?";
  std::size_t p = 0;
  while (value >= 999.5 && p + 1 < kPrefixes.size()) {
    value /= 1000;
    ++p;
  }
  return three_digits(value) + kPrefixes[p];
}

std::string format_rate(double per_second, std::string_view unit) {
  return fmt::format("{}{}{}/s", format_si(per_second), unit.empty() ? "" : " ", unit);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(seconds, 1e15)));
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  const std::int64_t minutes = (whole + 30) / 60;
  return fmt::format("{} h {:02} m", format_count(minutes / 60), minutes % 60);
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t u = 0;
  while (value >= 999.5 && u + 1 < kUnits.size()) {
    value /= 1024;
    ++u;
  }
  return fmt::format("{} {}", three_digits(value), kUnits[u]);
}

}  // namespace jsc
