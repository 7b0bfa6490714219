// The magnitudes of a tensor's values for a box plot in powers of two: zeros, quartiles of what is not zero,
// and how many values each octave holds.
#pragma once

#include "graph/statistics/quantiles.hpp"
#include "graph/statistics/statistic.hpp"

namespace jsc {

class BoxAccumulator final : public Accumulator {
 public:
  explicit BoxAccumulator(const SampleLayout& layout);
  void add(ConstMatrix block) override;
  void merge(const Accumulator& later) override;
  void clear() override { magnitudes_.clear(); }
  TensorBox box(std::string name) const;

 private:
  Quantiles magnitudes_;
};

}  // namespace jsc
