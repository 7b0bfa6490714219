// The formats by MASE's names, with the parameters that a configuration gives for each tensor
// (mase-spec.md 5.4): "integer" takes data_in_width, data_in_frac_width, weight_width, and so on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

// Reads `PREFIX_suffix` from the configuration of one node.
class FormatOptions {
 public:
  // `where` names the configuration in messages: "quantize, linear".
  FormatOptions(const MetaValue& config, std::string_view prefix, std::string where)
      : config_(config), prefix_(prefix), where_(std::move(where)) {}

  // The integer, or `otherwise` if it is null ("NA", "none"); missing keys are Errors. Throws Error outside
  // [lo, hi].
  int integer(std::string_view suffix, int lo, int hi) const;
  int integer_or(std::string_view suffix, int otherwise, int lo, int hi) const;
  bool boolean_or(std::string_view suffix, bool otherwise) const;
  std::string text_or(std::string_view suffix, std::string_view otherwise) const;
  // At least 0; none if it is null or missing.
  std::optional<double> magnitude(std::string_view suffix) const;
  // A list of numbers that are -1 ("all") or at least 1; an integer is a list of one.
  std::vector<int> block_size(std::string_view suffix) const;
  // MASE's results, defects included, instead of the right arithmetic: compat = "mase" for the whole node.
  bool mase_compatible() const;

  // "data_in", "weight", "bias" or "data_out"
  std::string_view tensor() const { return prefix_; }
  std::string key(std::string_view suffix) const;
  const std::string& where() const { return where_; }

 private:
  const MetaValue* find(std::string_view suffix) const;
  const MetaValue& config_;
  std::string_view prefix_;
  std::string where_;
};

struct NumberFormat {
  std::string_view name;                   // "integer"
  std::string_view class_suffix;           // of the quantized layers: LinearInteger
  std::vector<std::string_view> required;  // suffixes of keys that must be there
  std::vector<std::string_view> optional;
  // Builds the quantizer of one tensor. `is_signed` counts for fixed point alone.
  QuantizerPointer (*make)(const FormatOptions& options, bool is_signed);
};

std::span<const NumberFormat> number_formats();

// Throws Error with the nearest name if there is none of that name.
const NumberFormat& find_number_format(std::string_view name, std::string_view where);

}  // namespace jsc
