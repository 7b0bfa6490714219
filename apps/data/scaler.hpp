// Standardisation as scikit-learn's StandardScaler does it for float32 data, to the bit: the sums run in
// double over the rows in the order given, and a transformed value is rounded twice.
//
//   mean = sum(x) / n                        var = (sum((x-mean)^2) - sum(x-mean)^2 / n) / n
//   scale = sqrt(var), or 1 for a constant feature: var <= n eps var + (n mean eps)^2
//   x' = float(double(float(double(x) - mean)) / scale)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

struct Scaler {
  std::vector<double> mean, scale;  // one a feature; they travel in the checkpoint

  // Standardises x, row-major [rows][features], in place.
  void apply(float* x, Index rows, Index features, int threads = 1) const;
};

// Fits to the given rows of x, row-major with `features` floats a row; at least one row.
Scaler fit_scaler(const float* x, Index features, std::span<const std::uint32_t> rows);

}  // namespace jsc
