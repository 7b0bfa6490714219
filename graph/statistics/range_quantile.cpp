#include "graph/statistics/range_quantile.hpp"

#include "graph/statistics/grouped.hpp"
#include "graph/statistics/options.hpp"
#include "graph/statistics/quantiles.hpp"

namespace jsc {

namespace {

class RangeQuantile final : public Grouped<Quantiles> {
 public:
  RangeQuantile(Reduction reduction, std::vector<Quantiles> states, const MetaValue& options)
      : Grouped(std::move(reduction), std::move(states), options["abs"].get<bool>()),
        quantile_(options["quantile"].get<double>()),
        // Over the samples alone MASE wants two of them.
        needed_(options["dims"].is_null() || options["dims"] == "NA" ? 2 : 1) {}

  MetaValue result() const override {
    const double q[] = {1 - quantile_, quantile_};
    std::vector<double> low, high, range;
    for (const Quantiles& values : states()) {
      const std::vector<double> ends = values.quantiles(q);
      low.push_back(ends[0]);
      high.push_back(ends[1]);
      range.push_back(ends[1] - ends[0]);
    }
    return {{"min", shaped(low, needed_)},
            {"max", shaped(high, needed_)},
            {"range", shaped(range, needed_)},
            {"count", count()}};
  }

 private:
  double quantile_;
  std::int64_t needed_;
};

}  // namespace

StatisticKind range_quantile() {
  return {"range_quantile",
          {kDeviceOption,
           kAbsOption,
           kDimsOption,
           {"quantile", "number", "0.975", "q in (0.5, 1]: the range is from the quantile 1 - q to q"}},
          [](const MetaValue& options, const SampleLayout& layout) {
            Reduction reduction(options["dims"], layout.shape);
            const bool exact = layout.samples <= kExactQuantiles / layout.elements();
            std::vector<Quantiles> states;
            for (Index g = 0; g < reduction.groups(); ++g) states.emplace_back(exact);
            return std::unique_ptr<Statistic>(
                new RangeQuantile(std::move(reduction), std::move(states), options));
          }};
}

}  // namespace jsc
