// Makes quantizers from configurations and applies them to lists of numbers.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "quant/quantizer/formats.hpp"

namespace jsc::test {

// `options` without the tensor's prefix: {width: 8, exponent_width: 4, ...}; compat as in a node's table.
inline QuantizerPointer make_quantizer(std::string_view name, const MetaValue& options,
                                       const char* tensor = "weight", bool is_signed = true) {
  MetaValue config = MetaValue::object();
  for (const auto& [key, value] : options.items())
    config[key == "compat" ? key : std::string(tensor) + "_" + key] = value;
  return find_number_format(name, "test").make(FormatOptions(config, tensor, "test"), is_signed);
}

// Row after row; the layout of `kind`.
inline std::vector<float> apply(const Quantizer& quantizer, TensorKind kind, Index rows,
                                std::vector<float> x) {
  const Index cols = static_cast<Index>(x.size()) / rows;
  std::vector<float> y(x.size());
  quantizer.quantize({x.data(), rows, cols, cols}, kind, {y.data(), rows, cols, cols});
  quantizer.quantize({x.data(), rows, cols, cols}, kind, {x.data(), rows, cols, cols});  // in place
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::bit_cast<std::uint32_t>(x[i]) != std::bit_cast<std::uint32_t>(y[i])) return {};
  return y;
}

inline float apply(const Quantizer& quantizer, float x) {
  return apply(quantizer, TensorKind::weight, 1, {x}).at(0);
}

// The same bits, or both NaN.
inline bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

inline bool same(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

}  // namespace jsc::test
