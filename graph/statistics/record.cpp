#include "graph/statistics/record.hpp"

#include "graph/statistics/options.hpp"
#include "graph/statistics/reduction.hpp"

namespace jsc {

namespace {

constexpr Index kMostValues = Index{1} << 20;

class Record final : public Statistic {
 public:
  Record(SampleLayout layout, bool new_dimension)
      : layout_(std::move(layout)), new_dimension_(new_dimension) {}

  void add(ConstMatrix block) override {
    for (Index sample = 0; sample < block.cols; ++sample)
      for (Index element = 0; element < block.rows; ++element) data_.push_back(block(element, sample));
  }
  void merge(const Accumulator& later) override {
    const auto& other = static_cast<const Record&>(later);
    data_.insert(data_.end(), other.data_.begin(), other.data_.end());
  }
  void clear() override { data_.clear(); }

  MetaValue result() const override {
    const Index samples = static_cast<Index>(data_.size()) / layout_.elements();
    std::vector<Index> shape{samples};
    if (!new_dimension_) shape[0] *= layout_.shape[0];
    const auto joined = layout_.shape.begin() + (new_dimension_ ? 0 : 1);
    shape.insert(shape.end(), joined, layout_.shape.end());
    return {{"data", nested_lists(data_, shape)},
            {"count", samples},
            {"size_in_bytes", data_.size() * sizeof(float)}};
  }

 private:
  SampleLayout layout_;
  bool new_dimension_;
  std::vector<double> data_;
};

}  // namespace

StatisticKind record_statistic() {
  return {"record",
          {kDeviceOption,
           {"add_new_dim_before_concat", "boolean", "false", "join the samples along a new dimension"}},
          [](const MetaValue& options, const SampleLayout& layout) {
            if (layout.samples > kMostValues / layout.elements())
              fail("expected at most {} values, found {} samples of {}", kMostValues, layout.samples,
                   layout.elements());
            return std::unique_ptr<Statistic>(
                new Record(layout, options["add_new_dim_before_concat"].get<bool>()));
          }};
}

}  // namespace jsc
