#include <vector>

#include "quant/passes/passes.hpp"

namespace jsc {

std::span<const Pass> quant_passes() {
  using enum PassKind;
  static const std::vector<Pass> passes = {
      {"quantize",
       transform,
       "put quantized layers in the place of float ones",
       {{"by", "string", "", "what the tables' names are: type, name or regex_name"},
        {"report", "boolean", "true", "summarize what changed"},
        {"*", "table", "", "TYPE, NAME, REGEX or default = {config = {name, data_in_width, ...}}"}},
       quantize},
      {"summarize_quantization",
       analysis,
       "compare with the float network of the same layers: types, formats, codes used, saturation",
       {},
       summarize_quantization},
      {"calibrate",
       transform,
       "choose the fraction bits of every fixed-point tensor by its values, the widths staying",
       {{"method", "string", "\"mse\"", "min_max, quantile or mse"},
        {"drop_signs", "boolean", "true", "make inputs that come from a ReLU unsigned"},
        {"quantile", "number", "0.999", "of the magnitudes, for the method quantile"},
        {"num_samples", "integer", "8192", "rows of the input to run"}},
       calibrate},
      {"calculate_avg_bits", analysis, "mean width of data and weights", {}, calculate_avg_bits},
      {"fold_batch_norm",
       transform,
       "make each BatchNorm1d that follows a Linear a part of it",
       {{"train", "boolean", "false", "keep both layers' parameters and train them as one layer"}},
       fold_batch_norm},
  };
  return passes;
}

}  // namespace jsc
