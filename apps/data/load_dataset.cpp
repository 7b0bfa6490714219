#include <charconv>
#include <string_view>

#include "apps/data/dataset.hpp"
#include "apps/data/emulator.hpp"

namespace jsc {

namespace {

constexpr std::string_view kEmulated = "emulated";

template <class Number>
Number parse_number(std::string_view text, std::string_view spec) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    fail("data set '{}': expected emulated[:ROWS[:SEED]], found '{}'", spec, text);
  return value;
}

Dataset load_emulated(std::string_view spec, int threads) {
  Index rows = kEmulatedRows;
  std::uint64_t seed = 0;
  if (spec != kEmulated) {
    const std::string_view numbers = spec.substr(kEmulated.size() + 1);
    const std::size_t colon = numbers.find(':');
    rows = parse_number<Index>(numbers.substr(0, colon), spec);
    if (colon != numbers.npos) seed = parse_number<std::uint64_t>(numbers.substr(colon + 1), spec);
  }
  return emulated_dataset(rows, seed, threads);
}

}  // namespace

Dataset load_dataset(const std::string& spec, const LoadOptions& options) {
  if (spec == kEmulated || spec.starts_with("emulated:")) return load_emulated(spec, options.threads);
  fail("data set '{}': not read yet", spec);
}

}  // namespace jsc
