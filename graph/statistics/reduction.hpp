// Which elements of a sample share one result: MASE's option `dims`.
//   "all"     one result over every element of every sample
//   null      a result for each element of the sample, over the samples
//   [0, 1]    the listed dimensions of the sample are reduced together with the samples, the others kept;
//             negative ones count from the end
// A row of activations is a sample of shape [1, features], as in MASE, so [0] keeps the features apart.
#pragma once

#include <span>
#include <vector>

#include "graph/statistics/statistic.hpp"

namespace jsc {

class Reduction {
 public:
  // Throws Error if `dims` names a dimension that the sample does not have, or one twice.
  Reduction(const MetaValue& dims, std::span<const Index> sample_shape);

  Index groups() const { return groups_; }
  Index group(Index element) const {
    return groups_ == 1 ? 0 : group_of_element_[static_cast<std::size_t>(element)];
  }
  // One number a group as nested lists of the kept dimensions; a number alone if none is kept.
  MetaValue nested(std::span<const double> values) const;

 private:
  std::vector<Index> kept_shape_;
  Index groups_ = 1;
  std::vector<Index> group_of_element_;
};

// Values in row-major order as nested lists of this shape.
MetaValue nested_lists(std::span<const double> values, std::span<const Index> shape);

}  // namespace jsc
