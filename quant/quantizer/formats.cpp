#include "quant/quantizer/formats.hpp"

#include <algorithm>

#include <limits>

#include "engine/error.hpp"
#include "engine/nearest.hpp"
#include "quant/fixed/text.hpp"
#include "quant/quantizer/binary.hpp"
#include "quant/quantizer/block_fp.hpp"
#include "quant/quantizer/block_log.hpp"
#include "quant/quantizer/block_minifloat.hpp"
#include "quant/quantizer/float32.hpp"
#include "quant/quantizer/integer.hpp"
#include "quant/quantizer/log.hpp"
#include "quant/quantizer/minifloat_denorm.hpp"
#include "quant/quantizer/minifloat_ieee.hpp"
#include "quant/quantizer/ternary.hpp"

namespace jsc {

namespace {

// Numbers of this many bits are multiplied exactly within int64.
constexpr int kMaxDataWidth = 48;
constexpr int kMaxFraction = 64;

bool is_null(const MetaValue& value) {
  return value.is_null() || (value.is_string() && (value == "none" || value == "None" || value == "NA"));
}

// The name of a mode out of those that there are.
template <class Mode>
std::string mode_name(const FormatOptions& options, std::string_view suffix, std::string_view otherwise,
                      int count) {
  const std::string name = options.text_or(suffix, otherwise);
  std::vector<std::string_view> known;
  for (int i = 0; i < count; ++i) known.push_back(fixed::name(static_cast<Mode>(i)));
  if (std::ranges::find(known, name) == known.end())
    fail("{}: {}: there is no mode '{}'{}", options.where(), options.key(suffix), name,
         suggestion(name, known));
  return name;
}

QuantizerPointer make_integer(const FormatOptions& options, bool is_signed) {
  const int width = options.integer("width", 1, kMaxDataWidth);
  const int fraction = options.integer_or("frac_width", width / 2, -kMaxFraction, kMaxFraction);
  const std::string text = fmt::format(
      "{}<{},{},{},{},{}>", options.boolean_or("signed", is_signed) ? "fixed" : "ufixed", width,
      width - fraction, mode_name<fixed::Rounding>(options, "rounding", "RND_CONV", fixed::kRoundings),
      mode_name<fixed::Overflow>(options, "overflow", "SAT", fixed::kOverflows),
      options.integer_or("saturated_bits", 0, 0, width));
  try {
    return std::make_shared<FixedQuantizer>(fixed::parse_format(text));
  } catch (const fixed::Error& error) {
    fail("{}: {}: {}", options.where(), options.key("*"), error.what());
  }
}

// Widths for which float32 holds every number that a result can be.
constexpr int kMaxExponentWidth = 8;
constexpr int kMaxFractionBits = 23;
// Biases that leave some exponents within float32's normal ones.
constexpr int kMinBias = -126;
int max_bias(int exponent_width) {
  return (1 << exponent_width) - 1 + 126;
}

int read_bias(const FormatOptions& options, int exponent_width) {
  return options.integer_or("exponent_bias", (1 << (exponent_width - 1)) - 1, kMinBias,
                            max_bias(exponent_width));
}

// `least_fraction` bits of fraction or more.
Minifloat read_minifloat(const FormatOptions& options, int least_fraction) {
  const int e = options.integer("exponent_width", 1, kMaxExponentWidth);
  const int width = options.integer("width", e + 1 + least_fraction, e + 1 + kMaxFractionBits);
  return {width, e, read_bias(options, e)};
}

QuantizerPointer make_minifloat_ieee(const FormatOptions& options, bool) {
  return std::make_shared<MinifloatIeeeQuantizer>(read_minifloat(options, 0), options.mase_compatible());
}

QuantizerPointer make_minifloat_denorm(const FormatOptions& options, bool) {
  return std::make_shared<MinifloatDenormQuantizer>(read_minifloat(options, 1), options.mase_compatible());
}

QuantizerPointer make_log(const FormatOptions& options, bool) {
  const int width = options.integer("width", 2, 1 + kMaxExponentWidth);
  return std::make_shared<LogQuantizer>(LogFormat{width, read_bias(options, width - 1)},
                                        options.mase_compatible());
}

QuantizerPointer make_block_fp(const FormatOptions& options, bool) {
  const int e = options.integer("exponent_width", 1, kMaxExponentWidth);
  const int width = options.integer("width", 2, 1 + kMaxFractionBits);
  return std::make_shared<BlockFpQuantizer>(BlockFpFormat{width, e, read_bias(options, e)},
                                            options.block_size("block_size"), options.mase_compatible());
}

QuantizerPointer make_block_minifloat(const FormatOptions& options, bool) {
  const int e = options.integer("exponent_width", 1, kMaxExponentWidth);
  const int width = options.integer("width", e + 1, e + 1 + kMaxFractionBits);
  const int bias_width = options.integer("exponent_bias_width", 1, kMaxExponentWidth);
  return std::make_shared<BlockMinifloatQuantizer>(BlockMinifloatFormat{width, e, bias_width},
                                                   options.block_size("block_size"),
                                                   options.mase_compatible());
}

QuantizerPointer make_block_log(const FormatOptions& options, bool) {
  const int width = options.integer("width", 2, 1 + kMaxExponentWidth);
  const int bias_width = options.integer("exponent_bias_width", 1, kMaxExponentWidth);
  return std::make_shared<BlockLogQuantizer>(width, bias_width, options.block_size("block_size"),
                                             options.mase_compatible());
}

// Whether a binary or ternary layer leaves this tensor in float32; with MASE's rules all but the weight.
bool stays_float(const FormatOptions& options, int bits) {
  const int width = options.integer("width", 1, 32);
  if (options.mase_compatible()) return options.tensor() != "weight";
  if (width != bits && width != 32)
    fail("{}: {} should be {}, or 32 to leave the tensor in float32, found {}", options.where(),
         options.key("width"), bits, width);
  return width == 32;
}

[[noreturn]] void fail_four_dimensions(const FormatOptions& options, std::string_view what) {
  fail("{}: {}: compat = \"mase\" has no {}, which MASE computes for four dimensions only", options.where(),
       options.key("*"), what);
}

QuantizerPointer make_binary(const FormatOptions& options, bool) {
  const bool bipolar = options.boolean_or("bipolar", true);
  const bool stochastic = options.boolean_or("stochastic", false);
  if (stays_float(options, 1))
    return std::make_shared<Float32Quantizer>("binary", MetaValue::array({32, stochastic, bipolar}));
  if (options.mase_compatible() && !bipolar) fail_four_dimensions(options, "binary without bipolar");
  return std::make_shared<BinaryQuantizer>(bipolar, stochastic);
}

QuantizerPointer make_ternary(const FormatOptions& options, bool) {
  const TernaryOptions ternary{options.boolean_or("scaling_factor", false), options.magnitude("mean"),
                               options.magnitude("median"), options.magnitude("max")};
  if (stays_float(options, 2)) {
    MetaValue precision = TernaryQuantizer(ternary).precision();
    precision[0] = 32;
    return std::make_shared<Float32Quantizer>("ternary", std::move(precision));
  }
  if (options.mase_compatible()) fail_four_dimensions(options, "ternary");
  return std::make_shared<TernaryQuantizer>(ternary);
}

const std::vector<NumberFormat>& formats() {
  using Suffixes = std::vector<std::string_view>;
  static const Suffixes modes = {"signed", "rounding", "overflow", "saturated_bits"};
  static const Suffixes minifloat = {"width", "exponent_width", "exponent_bias"};
  static const Suffixes block_minifloat = {"width", "exponent_width", "exponent_bias_width", "block_size"};
  static const std::vector<NumberFormat> list = {
      {"integer", "Integer", {"width", "frac_width"}, modes, make_integer},
      {"fixed", "Integer", {"width", "frac_width"}, modes, make_integer},
      {"binary", "Binary", {"width", "stochastic", "bipolar"}, {}, make_binary},
      {"ternary", "Ternary", {"width", "scaling_factor", "mean", "median", "max"}, {}, make_ternary},
      {"minifloat_ieee", "MinifloatIEEE", minifloat, {}, make_minifloat_ieee},
      {"minifloat_denorm", "MinifloatDenorm", minifloat, {}, make_minifloat_denorm},
      {"log", "Log", {"width", "exponent_bias"}, {}, make_log},
      {"block_fp", "BlockFP", {"width", "exponent_width", "exponent_bias", "block_size"}, {}, make_block_fp},
      {"block_minifloat", "BlockMinifloat", block_minifloat, {}, make_block_minifloat},
      {"block_log", "BlockLog", {"width", "exponent_bias_width", "block_size"}, {}, make_block_log},
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

std::optional<double> FormatOptions::magnitude(std::string_view suffix) const {
  const MetaValue* value = find(suffix);
  if (value == nullptr || is_null(*value)) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() >= 0.0))
    fail("{}: {} should be a number of 0 or more, found {}", where_, key(suffix), value->dump());
  return value->get<double>();
}

std::vector<int> FormatOptions::block_size(std::string_view suffix) const {
  const MetaValue* value = find(suffix);
  const MetaValue list = value == nullptr             ? MetaValue()
                         : value->is_number_integer() ? MetaValue::array({*value})
                                                      : *value;
  std::vector<int> sizes;
  bool valid = list.is_array() && !list.empty();
  for (std::size_t i = 0; valid && i < list.size(); ++i) {
    const std::int64_t size = list[i].is_number_integer() ? list[i].get<std::int64_t>() : 0;
    valid = size == -1 || (size >= 1 && size <= std::numeric_limits<int>::max());
    sizes.push_back(static_cast<int>(size));
  }
  if (!valid)
    fail("{}: {} should be a list of block sizes (1 or more, or -1 for all), found {}", where_, key(suffix),
         value == nullptr ? "nothing" : value->dump());
  return sizes;
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
