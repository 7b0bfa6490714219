#include "quant/quantizer/formats.hpp"

#include "engine/error.hpp"
#include "engine/nearest.hpp"
#include "quant/fixed/text.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

// Numbers of this many bits are multiplied exactly within int64.
constexpr int kMaxDataWidth = 48;
constexpr int kMaxFraction = 64;

bool is_null(const MetaValue& value) {
  return value.is_null() || (value.is_string() && (value == "none" || value == "None" || value == "NA"));
}

QuantizerPointer make_integer(const FormatOptions& options, bool is_signed) {
  const int width = options.integer("width", 1, kMaxDataWidth);
  const int fraction = options.integer_or("frac_width", width / 2, -kMaxFraction, kMaxFraction);
  const std::string text =
      fmt::format("{}<{},{},{},{},{}>", options.boolean_or("signed", is_signed) ? "fixed" : "ufixed", width,
                  width - fraction, options.text_or("rounding", "RND_CONV"),
                  options.text_or("overflow", "SAT"), options.integer_or("saturated_bits", 0, 0, width));
  try {
    return std::make_shared<FixedQuantizer>(fixed::parse_format(text));
  } catch (const fixed::Error& error) {
    fail("{}: {}: {}", options.where(), options.key("*"), error.what());
  }
}

constexpr std::string_view kIntegerOptions[] = {"signed", "rounding", "overflow", "saturated_bits"};

const std::vector<NumberFormat>& formats() {
  static const std::vector<std::string_view> integer_optional(std::begin(kIntegerOptions),
                                                              std::end(kIntegerOptions));
  static const std::vector<NumberFormat> list = {
      {"integer", "Integer", {"width", "frac_width"}, integer_optional, make_integer},
      {"fixed", "Integer", {"width", "frac_width"}, integer_optional, make_integer},
  };
  return list;
}

}  // namespace

std::string FormatOptions::key(std::string_view suffix) const {
  return fmt::format("{}_{}", prefix_, suffix);
}

const MetaValue* FormatOptions::find(std::string_view suffix) const {
  const auto found = config_.find(key(suffix));
  return found == config_.end() ? nullptr : &*found;
}

int FormatOptions::integer_or(std::string_view suffix, int otherwise, int lo, int hi) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || is_null(*value)) return otherwise;
  if (!value->is_number_integer())
    fail("{}: {} should be an integer, found {}", where_, key(suffix), value->dump());
  const auto n = value->get<std::int64_t>();
  if (n < lo || n > hi) fail("{}: {} should be in {}..{}, found {}", where_, key(suffix), lo, hi, n);
  return static_cast<int>(n);
}

int FormatOptions::integer(std::string_view suffix, int lo, int hi) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || is_null(*value)) fail("{}: needs {}", where_, key(suffix));
  return integer_or(suffix, 0, lo, hi);
}

bool FormatOptions::boolean_or(std::string_view suffix, bool otherwise) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || is_null(*value)) return otherwise;
  if (!value->is_boolean())
    fail("{}: {} should be true or false, found {}", where_, key(suffix), value->dump());
  return value->get<bool>();
}

std::string FormatOptions::text_or(std::string_view suffix, std::string_view otherwise) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || is_null(*value)) return std::string(otherwise);
  if (!value->is_string()) fail("{}: {} should be a name, found {}", where_, key(suffix), value->dump());
  return value->get<std::string>();
}

std::vector<int> FormatOptions::integers(std::string_view suffix) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || !value->is_array() || value->empty())
    fail("{}: {} should be a list of integers, found {}", where_, key(suffix),
         value == nullptr ? "nothing" : value->dump());
  std::vector<int> list;
  for (const MetaValue& item : *value) {
    if (!item.is_number_integer())
      fail("{}: {} should be a list of integers, found {}", where_, key(suffix), value->dump());
    list.push_back(item.get<int>());
  }
  return list;
}

bool FormatOptions::mase_compatible() const {
  const auto found = config_.find("compat");
  return found != config_.end() && *found == "mase";
}

std::span<const NumberFormat> number_formats() {
  return formats();
}

const NumberFormat& find_number_format(std::string_view name, std::string_view where) {
  std::vector<std::string_view> names;
  for (const NumberFormat& format : formats()) {
    if (format.name == name) return format;
    names.push_back(format.name);
  }
  fail("{}: there is no number format '{}'{}", where, name, suggestion(name, names));
}

}  // namespace jsc
