// Networks to quantize in tests: random weights, running statistics that are not 0 and 1, samples in the
// range of standardized jets.
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.hpp"
#include "quant/verify.hpp"

namespace jsc::test {

// BatchNorm, ReLU, Linear(features, hidden), BatchNorm, ReLU, Linear(hidden, classes), ReLU.
Graph small_network(Index features, Index hidden, Index classes, std::uint64_t seed);
// The same with a skip connection around a Linear and a product, which use the functions add, sub and mul.
Graph branching_network(Index features, std::uint64_t seed);
// BatchNorm, matmul to hidden, ReLU, matmul to classes: no bias anywhere.
Graph matmul_network(Index features, Index hidden, Index classes, std::uint64_t seed);

// quantize by type with these keys, written as TOML's right sides: "data_in_width = 8, ...".
void quantize_all(Graph& graph, const MetaValue& config);
// {name: integer, data_in_width: w, data_in_frac_width: f, weight_..., bias_...}
MetaValue integer_config(int width, int fraction);

// Normal numbers of deviation 2, so that 8,4 saturates now and then.
class NormalSamples final : public InputGenerator {
 public:
  NormalSamples(Index features, Index rows, std::uint64_t seed)
      : features_(features), rows_(rows), seed_(seed) {}
  Index features() const override { return features_; }
  Index rows() const override { return rows_; }
  void fill(Index first, Matrix x) const override;

 private:
  Index features_, rows_;
  std::uint64_t seed_;
};

}  // namespace jsc::test
