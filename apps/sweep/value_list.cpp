#include "apps/sweep/value_list.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "engine/error.hpp"
#include "engine/math.hpp"

namespace jsc {

namespace {

constexpr std::int64_t kMostValues = 10'000;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// The n-th root of q >= 1 by bisection: libm's pow may differ by processor.
double root(double q, std::int64_t n) {
  double low = 1, high = q;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    (power(middle, n) < q ? low : high) = middle;
  }
  return high;
}

class Range {
 public:
  Range(const std::string& text, bool integers, std::string where)
      : text_(text), integers_(integers), where_(std::move(where)), parts_(split(text, ':')) {}

  const std::string& text() const { return text_; }
  bool overlaps(const Range& other) const { return first_ <= other.last_ && other.first_ <= last_; }

  std::vector<std::string> values() {
    if (parts_.size() < 2 || parts_.size() > 3) malformed();
    first_ = end(parts_[0]);
    last_ = end(parts_[1]);
    if (last_ < first_)
      fail("{}: range '{}': expected the smaller number first, found {} before {}", where_, text_, parts_[0],
           parts_[1]);
    if (parts_.size() == 2) {
      if (!integers_) malformed();
      return steps(1);
    }
    const std::string& rule = parts_[2];
    if (rule.starts_with("log") || rule.starts_with("lin")) return points(rule.starts_with("log"));
    const std::optional<double> step = number(rule);
    if (!step) malformed();
    if (!(*step > 0)) fail("{}: range '{}': expected a step above 0, found {}", where_, text_, rule);
    if (integers_ && *step != std::floor(*step))
      fail("{}: range '{}': expected a whole step, found {}", where_, text_, rule);
    return steps(*step);
  }

 private:
  [[noreturn]] void malformed() const {
    fail("{}: range '{}': expected FIRST:LAST:linN, FIRST:LAST:logN, FIRST:LAST:STEP{}", where_, text_,
         integers_ ? " or FIRST:LAST" : "");
  }

  double end(const std::string& part) const {
    const std::optional<double> value = number(part);
    if (!value) malformed();
    if (integers_ && (*value != std::floor(*value) || std::abs(*value) > 1e15))
      fail("{}: range '{}': expected integers, found {}", where_, text_, part);
    return *value;
  }

  std::string show(double value) const {
    if (integers_) return fmt::format("{}", static_cast<std::int64_t>(std::floor(value + 0.5)));
    return fmt::format("{:.6g}", value);
  }

  std::vector<std::string> steps(double step) const {
    const double count = std::floor((last_ - first_) / step * (1 + 1e-12)) + 1;
    check_count(count);
    std::vector<std::string> values;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i)
      values.push_back(show(first_ + static_cast<double>(i) * step));
    return values;
  }

  std::vector<std::string> points(bool logarithmic) const {
    std::int64_t count = 0;
    const std::string& rule = parts_[2];
    const auto [stop, problem] = std::from_chars(rule.data() + 3, rule.data() + rule.size(), count);
    if (problem != std::errc() || stop != rule.data() + rule.size()) malformed();
    if (count < 2) fail("{}: range '{}': expected at least 2 values, found {}", where_, text_, count);
    check_count(static_cast<double>(count));
    if (logarithmic && !(first_ > 0))
      fail("{}: range '{}': expected numbers above 0 for log, found {}", where_, text_, parts_[0]);
    if (first_ == last_) fail("{}: range '{}': expected two different ends", where_, text_);
    const double ratio = logarithmic ? root(last_ / first_, count - 1) : 1;
    const double step = (last_ - first_) / static_cast<double>(count - 1);
    std::vector<std::string> values = {parts_[0]};
    for (std::int64_t i = 1; i + 1 < count; ++i)
      values.push_back(show(logarithmic ? first_ * power(ratio, i) : first_ + static_cast<double>(i) * step));
    values.push_back(parts_[1]);
    return values;
  }

  void check_count(double count) const {
    if (count > static_cast<double>(kMostValues))
      fail("{}: range '{}': expected at most {} values, found {:.0f}", where_, text_, kMostValues, count);
  }

  std::string text_;
  bool integers_;
  std::string where_;
  std::vector<std::string> parts_;
  double first_ = 0, last_ = 0;
};

}  // namespace

std::vector<std::string> parse_values(const std::string& text, Settings::Kind kind, char separator,
                                      const std::string& where) {
  const bool numeric = kind == Settings::Kind::integer || kind == Settings::Kind::number;
  std::vector<std::string> values;
  std::vector<Range> ranges;
  for (const std::string& untrimmed : split(text, separator)) {
    const std::string part = trimmed(untrimmed);
    if (part.empty()) fail("{}: expected values with '{}' between, found '{}'", where, separator, text);
    if (numeric && part.find(':') != part.npos) {
      Range range(part, kind == Settings::Kind::integer, where);
      for (std::string& value : range.values()) values.push_back(std::move(value));
      for (const Range& other : ranges)
        if (range.overlaps(other)) fail("{}: ranges '{}' and '{}' overlap", where, other.text(), part);
      ranges.push_back(std::move(range));
    } else {
      values.push_back(part);
    }
  }
  return values;
}

}  // namespace jsc
