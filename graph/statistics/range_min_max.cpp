#include "graph/statistics/range_min_max.hpp"

#include "graph/statistics/extremes.hpp"
#include "graph/statistics/grouped.hpp"
#include "graph/statistics/options.hpp"

namespace jsc {

namespace {

class RangeMinMax final : public Grouped<Extremes> {
 public:
  using Grouped::Grouped;
  MetaValue result() const override {
    return {{"min", each([](const Extremes& e) { return e.min; })},
            {"max", each([](const Extremes& e) { return e.max; })},
            {"range", each([](const Extremes& e) { return static_cast<double>(e.max) - e.min; })},
            {"count", count()}};
  }
};

}  // namespace

StatisticKind range_min_max() {
  return {"range_min_max",
          {kDeviceOption, kDimsOption, kAbsOption},
          [](const MetaValue& options, const SampleLayout& layout) {
            Reduction reduction(options["dims"], layout.shape);
            std::vector<Extremes> states(static_cast<std::size_t>(reduction.groups()));
            return std::unique_ptr<Statistic>(
                new RangeMinMax(std::move(reduction), std::move(states), options["abs"].get<bool>()));
          }};
}

}  // namespace jsc
