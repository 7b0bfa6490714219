// Reading and writing formats: fixed<8,4,RND_CONV,SAT>, ap_fixed<...>, Q4.4.
#include <array>
#include <charconv>

#include "quant/fixed/text.hpp"

namespace jsc::fixed {
namespace {

constexpr std::array<std::string_view, kRoundings> kRoundingNames = {
    "RND", "RND_ZERO", "RND_MIN_INF", "RND_INF", "RND_CONV", "RND_CONV_ODD", "TRN", "TRN_ZERO", "CEIL", "UP"};
constexpr std::array<std::string_view, kOverflows> kOverflowNames = {"SAT", "SAT_ZERO", "SAT_SYM", "WRAP",
                                                                     "WRAP_SM"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

template <std::size_t kCount>
std::string list(const std::array<std::string_view, kCount>& names) {
  std::string text;
  for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// Walks over the text; every error names the place where it stands.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Format format() {
    const std::size_t start = skip_spaces();
    const std::string_view family = word();
    Format format;
    const bool negative = position_ < text_.size() && text_[position_] == '-';
    if (family.starts_with("UQ") || (family.starts_with('Q') && (family.size() > 1 || negative)))
      return q_notation(start, family);
    if (family == "ufixed" || family == "ap_ufixed" || family == "sc_ufixed")
      format.is_signed = false;
    else if (family != "fixed" && family != "ap_fixed" && family != "sc_fixed")
      fail(start, "fixed<W,I,Q,O,N>, ufixed<...>, ap_fixed<...>, sc_fixed<...> or Qm.n");
    expect('<', "'<'");
    format.width = integer(1, kMaxWidth, "a width");
    expect(',', "',' and the integer bits");
    format.integer = integer(-kMaxInteger, kMaxInteger, "integer bits");
    if (accept(',')) format.rounding = static_cast<Rounding>(mode(kRoundingNames, "a rounding mode"));
    std::size_t overflow_at = position_;
    if (accept(',')) {
      overflow_at = skip_spaces();
      format.overflow = static_cast<Overflow>(mode(kOverflowNames, "an overflow mode"));
    }
    if (format.overflow == Overflow::wrap_sm && !format.is_signed)
      fail(overflow_at, "an overflow mode of an unsigned format, not WRAP_SM");
    if (accept(',')) format.saturated_bits = integer(0, format.width, "N, the saturated bits");
    expect('>', "',' or '>'");
    end();
    return format;
  }

 private:
  // m counts the sign bit (ARM's convention; in Texas Instruments' it does not).
  Format q_notation(std::size_t start, std::string_view family) {
    const bool is_signed = family[0] == 'Q';
    position_ = start + (is_signed ? 1 : 2);
    const int whole = integer(-kMaxInteger, kMaxInteger, "integer bits");
    if (position_ >= text_.size() || text_[position_] != '.')
      fail(position_, "'.' and the fraction bits (Q15 alone leaves the width open; write Q1.15)");
    ++position_;
    const std::size_t at = position_;
    const int fraction = integer(-kMaxInteger, kMaxInteger, "fraction bits");
    const int width = whole + fraction;
    if (width < 1 || width > kMaxWidth)
      fail(at, "fraction bits that make the width 1 to " + std::to_string(kMaxWidth));
    end();
    return {width, whole, is_signed};
  }

  [[noreturn]] void fail(std::size_t at, const std::string& expected) const {
    std::size_t stop = at;
    while (stop < text_.size() && is_word(text_[stop])) ++stop;
    if (stop == at && at < text_.size()) ++stop;
    const std::string found = at < text_.size() ? quoted(text_.substr(at, stop - at)) : "the end";
    throw Error("format " + quoted(text_) + ", character " + std::to_string(at + 1) + ": expected " +
                expected + ", found " + found);
  }

  std::size_t skip_spaces() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
    return position_;
  }

  std::string_view word() {
    const std::size_t start = skip_spaces();
    while (position_ < text_.size() && is_word(text_[position_])) ++position_;
    return text_.substr(start, position_ - start);
  }

  bool accept(char c) {
    skip_spaces();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c, const std::string& what) {
    if (!accept(c)) fail(position_, what);
  }

  void end() {
    if (skip_spaces() != text_.size()) fail(position_, "the end");
  }

  int integer(int low, int high, const std::string& what) {
    const std::size_t start = skip_spaces();
    int value = 0;
    const auto [stop, error] = std::from_chars(text_.data() + start, text_.data() + text_.size(), value);
    if (error != std::errc{} || value < low || value > high)
      fail_number(start, what + " from " + std::to_string(low) + " to " + std::to_string(high));
    position_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }

  // As fail, but a sign belongs to what was found.
  [[noreturn]] void fail_number(std::size_t at, const std::string& expected) const {
    std::size_t stop = at;
    if (stop < text_.size() && (text_[stop] == '-' || text_[stop] == '+')) ++stop;
    while (stop < text_.size() && is_word(text_[stop])) ++stop;
    if (stop <= at + 1) fail(at, expected);
    throw Error("format " + quoted(text_) + ", character " + std::to_string(at + 1) + ": expected " +
                expected + ", found " + quoted(text_.substr(at, stop - at)));
  }

  template <std::size_t kCount>
  std::size_t mode(const std::array<std::string_view, kCount>& names, const std::string& what) {
    const std::size_t start = skip_spaces();
    std::string_view found = word();
    if (found.substr(0, 3) == "AP_" || found.substr(0, 3) == "SC_") found.remove_prefix(3);
    for (std::size_t i = 0; i < kCount; ++i)
      if (names[i] == found) return i;
    fail(start, what + " (" + list(names) + ")");
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

std::string head(const Format& f) {
  return (f.is_signed ? "fixed<" : "ufixed<") + std::to_string(f.width) + ',' + std::to_string(f.integer);
}

}  // namespace

std::string_view name(Rounding rounding) {
  return kRoundingNames.at(static_cast<std::size_t>(rounding));
}
std::string_view name(Overflow overflow) {
  return kOverflowNames.at(static_cast<std::size_t>(overflow));
}

Format parse_format(std::string_view text) {
  return Parser(text).format();
}

std::string to_string(const Format& f) {
  const bool n = f.saturated_bits != 0, overflow = n || f.overflow != Overflow::wrap;
  std::string text = head(f);
  if (overflow || f.rounding != Rounding::trn) text += ',' + std::string(name(f.rounding));
  if (overflow) text += ',' + std::string(name(f.overflow));
  if (n) text += ',' + std::to_string(f.saturated_bits);
  return text + '>';
}

std::string to_full_string(const Format& f) {
  return head(f) + ',' + std::string(name(f.rounding)) + ',' + std::string(name(f.overflow)) + ',' +
         std::to_string(f.saturated_bits) + '>';
}

}  // namespace jsc::fixed
