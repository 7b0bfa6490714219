// Float32 itself: what the tensors of a binary or ternary layer have that it does not quantize.
#pragma once

#include <string>
#include <string_view>

#include "quant/quantizer/elementwise.hpp"
#include "quant/quantizer/quantizer.hpp"

namespace jsc {

class Float32Quantizer final : public Quantizer {
 public:
  // Under the name of the layer's format, with the parameters that the configuration gives.
  Float32Quantizer(std::string_view name, MetaValue precision)
      : name_(name), precision_(std::move(precision)) {}

  std::string_view name() const override { return name_; }
  MetaValue precision() const override { return precision_; }
  int width() const override { return 32; }
  void quantize(ConstMatrix x, TensorKind, Matrix y) const override {
    quantize_each(x, y, [](float v) { return v; });
  }

 private:
  std::string name_;
  MetaValue precision_;
};

}  // namespace jsc
