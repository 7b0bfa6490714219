#include "graph/statistics/reduction.hpp"

namespace jsc {

namespace {

std::vector<bool> reduced_dimensions(const MetaValue& dims, std::span<const Index> shape) {
  std::vector<bool> reduced(shape.size(), dims == "all");
  if (!dims.is_array()) return reduced;
  const auto rank = static_cast<Index>(shape.size());
  for (const MetaValue& entry : dims) {
    const auto given = entry.get<Index>();
    const Index dimension = given < 0 ? given + rank : given;
    if (dimension < 0 || dimension >= rank)
      fail("dims {}: expected dimensions below {}, the rank of a sample of shape [{}], found {}", dims.dump(),
           rank, fmt::join(shape, ", "), given);
    if (reduced[static_cast<std::size_t>(dimension)])
      fail("dims {}: dimension {} is listed twice", dims.dump(), given);
    reduced[static_cast<std::size_t>(dimension)] = true;
  }
  return reduced;
}

}  // namespace

Reduction::Reduction(const MetaValue& dims, std::span<const Index> sample_shape) {
  const std::vector<bool> reduced = reduced_dimensions(dims, sample_shape);
  group_of_element_ = {0};
  for (std::size_t d = 0; d < sample_shape.size(); ++d) {  // one dimension more: each element becomes a row
    std::vector<Index> finer;
    for (Index group : group_of_element_)
      for (Index i = 0; i < sample_shape[d]; ++i)
        finer.push_back(reduced[d] ? group : group * sample_shape[d] + i);
    group_of_element_ = std::move(finer);
    if (reduced[d]) continue;
    kept_shape_.push_back(sample_shape[d]);
    groups_ *= sample_shape[d];
  }
}

MetaValue Reduction::nested(std::span<const double> values) const {
  return nested_lists(values, kept_shape_);
}

MetaValue nested_lists(std::span<const double> values, std::span<const Index> shape) {
  if (shape.empty()) return values[0];
  MetaValue list = MetaValue::array();
  const std::size_t part = values.size() / static_cast<std::size_t>(shape[0]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape[0]); ++i)
    list.push_back(nested_lists(values.subspan(i * part, part), shape.subspan(1)));
  return list;
}

}  // namespace jsc
