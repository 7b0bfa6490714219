// Millions of lines a second: formats are parsed once and remembered, integers go through std::from_chars and
// std::to_chars, and both sides are read and written in large blocks.
#include "apps/jsc_fixed/batch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/jsc_fixed/operation.hpp"
#include "engine/error.hpp"
#include "quant/fixed/arithmetic.hpp"
#include "quant/fixed/text.hpp"

namespace jsc {
namespace {

using fixed::Format;
using fixed::Number;
using fixed::Wide;

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kLongestLine = std::size_t{1} << 16;
constexpr std::size_t kMostFields = 5;
constexpr std::size_t kMostFormats = 10'000;  // remembered at a time

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Formats by their text. The format of a field is most often that of the same field on the line before.
class Formats {
 public:
  // The reference lives until the next call.
  const Format& parse(std::string_view text, std::size_t field) {
    const Entry*& last = last_[field];
    if (last != nullptr && last->first == text) return last->second;
    auto found = known_.find(text);
    if (found == known_.end()) {
      const Format format = fixed::parse_format(text);
      if (known_.size() >= kMostFormats) {
        known_.clear();
        last_ = {};
      }
      found = known_.emplace(text, format).first;
    }
    last_[field] = &*found;
    return found->second;
  }

 private:
  using Entry = std::pair<const std::string, Format>;
  std::unordered_map<std::string, Format, TextHash, std::equal_to<>> known_;
  std::array<const Entry*, kMostFields> last_{};
};

class Batch {
 public:
  explicit Batch(int out) : out_(out) { answers_.reserve(2 * kBlock); }

  void line(std::string_view text) {
    if (text.size() > kLongestLine) fail("expected at most {} characters, found more", kLongestLine);
    split(text);
    const FixedOperationInfo& info = operation();
    if (fields_ != info.fields) fail("expected {} fields, {}, found {}", info.fields, info.line, fields_);
    answers_.append(text);
    answer(info.operation);
    answers_ += '\n';
  }

  // A line that failed has left its own text behind.
  void drop_unfinished_line() {
    const std::size_t end = answers_.rfind('\n');
    answers_.resize(end == std::string::npos ? 0 : end + 1);
  }

  void flush() {
    for (std::string_view rest = answers_; !rest.empty();) {
      const ssize_t count = ::write(out_, rest.data(), rest.size());
      if (count < 0 && errno != EINTR) fail("standard output: cannot write: {}", std::strerror(errno));
      rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    answers_.clear();
  }

 private:
  void split(std::string_view text) {
    fields_ = 0;
    for (;;) {
      const std::size_t stop = text.find(';');
      if (fields_ < kMostFields) field_[fields_] = text.substr(0, stop);
      ++fields_;
      if (stop == std::string_view::npos) return;
      text.remove_prefix(stop + 1);
    }
  }

  const FixedOperationInfo& operation() {
    if (last_operation_ == nullptr || last_operation_->name != field_[0])
      last_operation_ = &fixed_operation(field_[0]);
    return *last_operation_;
  }

  template <class Integer>
  static bool read(std::string_view text, Integer& value) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && stop == text.data() + text.size();
  }

  // Fields `at` and `at` + 1: a format and a raw value in it.
  Number number(std::size_t at) {
    const Format& format = formats_.parse(field_[at], at);
    std::int64_t value = 0;
    std::uint64_t natural = 0;
    Wide raw = 0;
    bool is_integer = true;
    if (read(field_[at + 1], value))
      raw = value;
    else if (read(field_[at + 1], natural))
      raw = natural;
    else
      is_integer = false;
    if (!is_integer || !format.holds(raw))
      fail("field {}: expected a raw value of {}, an integer from {} to {}, found '{}'", at + 2, field_[at],
           fixed::to_string(format.min_raw()), fixed::to_string(format.max_raw()), field_[at + 1]);
    return {format, raw};
  }

  void answer(FixedOperation operation) {
    const Number a = number(1);
    switch (operation) {
      case FixedOperation::cast:
        return append_raw(fixed::cast(a.raw, a.format.fraction(), formats_.parse(field_[3], 3)));
      case FixedOperation::add:
        return append(fixed::add(a, number(3)));
      case FixedOperation::subtract:
        return append(fixed::subtract(a, number(3)));
      case FixedOperation::multiply:
        return append(fixed::multiply(a, number(3)));
      case FixedOperation::divide:
        return append(fixed::divide(a, number(3)));
      case FixedOperation::compare:
        return append_raw(fixed::compare(a, number(3)));
      case FixedOperation::negate:
        return append(fixed::negate(a));
      case FixedOperation::shift: {
        int left = 0;
        if (!read(field_[3], left)) fail("field 4: expected a number of bits, found '{}'", field_[3]);
        return append_raw(fixed::shift(a, left).raw);
      }
    }
  }

  void append(const Number& result) {
    answers_ += result.format.is_signed ? ";fixed<" : ";ufixed<";
    append_integer(result.format.width);
    answers_ += ',';
    append_integer(result.format.integer);
    answers_ += '>';
    append_raw(result.raw);
  }

  void append_raw(Wide raw) {
    answers_ += ';';
    const auto narrow = static_cast<std::int64_t>(raw);
    if (narrow == raw)
      append_integer(narrow);
    else
      answers_ += fixed::to_string(raw);
  }

  void append_integer(std::int64_t value) {
    std::array<char, 24> digits;
    const auto [stop, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    answers_.append(digits.data(), stop);
  }

  int out_;
  std::string answers_;
  std::array<std::string_view, kMostFields> field_;
  std::size_t fields_ = 0;
  const FixedOperationInfo* last_operation_ = nullptr;
  Formats formats_;
};

// At most `size` bytes; 0 at the end.
std::size_t read_some(int in, char* data, std::size_t size) {
  for (;;) {
    const ssize_t count = ::read(in, data, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) fail("standard input: cannot read: {}", std::strerror(errno));
  }
}

}  // namespace

void run_fixed_batch(int in, int out) {
  Batch batch(out);
  std::vector<char> block(kBlock + kLongestLine + 1);
  std::size_t held = 0;  // bytes of an unfinished line at the head of the block
  std::uint64_t line = 0;
  const auto refuse = [&](const char* what) {
    batch.drop_unfinished_line();
    batch.flush();
    fail("line {}: {}", line, what);
  };
  const auto work = [&](std::string_view text) {
    ++line;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    try {
      batch.line(text);
    } catch (const Error& error) {
      refuse(error.what());
    } catch (const fixed::Error& error) {
      refuse(error.what());
    }
  };
  while (const std::size_t count = read_some(in, block.data() + held, kBlock)) {
    const std::string_view all(block.data(), held + count);
    std::size_t start = 0;
    for (std::size_t stop; (stop = all.find('\n', start)) != std::string_view::npos; start = stop + 1)
      work(all.substr(start, stop - start));
    batch.flush();
    held = all.size() - start;
    if (held > kLongestLine + 1) work(all.substr(start));  // too long even if CR LF ends it
    std::memmove(block.data(), block.data() + start, held);
  }
  if (held > 0) work({block.data(), held});
  batch.flush();
}

}  // namespace jsc
