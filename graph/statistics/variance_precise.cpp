#include "graph/statistics/variance_precise.hpp"

#include "graph/statistics/grouped.hpp"
#include "graph/statistics/moments.hpp"
#include "graph/statistics/options.hpp"

namespace jsc {

namespace {

class VariancePrecise final : public Grouped<Moments> {
 public:
  using Grouped::Grouped;
  MetaValue result() const override {
    return {{"mean", each([](const Moments& m) { return m.mean; }, 2)},
            {"variance", each([](const Moments& m) { return m.unbiased_variance(); }, 2)},
            {"count", count()}};
  }
};

}  // namespace

StatisticKind variance_precise() {
  return {"variance_precise",
          {kDeviceOption, kDimsOption},
          [](const MetaValue& options, const SampleLayout& layout) {
            Reduction reduction(options["dims"], layout.shape);
            std::vector<Moments> states(static_cast<std::size_t>(reduction.groups()));
            return std::unique_ptr<Statistic>(
                new VariancePrecise(std::move(reduction), std::move(states), false));
          }};
}

}  // namespace jsc
