#include "graph/statistics/range_n_sigma.hpp"

#include <cmath>

#include "graph/statistics/grouped.hpp"
#include "graph/statistics/moments.hpp"
#include "graph/statistics/options.hpp"

namespace jsc {

namespace {

class RangeNSigma final : public Grouped<Moments> {
 public:
  RangeNSigma(Reduction reduction, std::vector<Moments> states, const MetaValue& options)
      : Grouped(std::move(reduction), std::move(states), options["abs"].get<bool>()),
        unbiased_(options["var_mode"] == "precise"),
        num_sigma_(options["num_sigma"].get<double>()) {}

  MetaValue result() const override {
    const auto reach = [this](const Moments& m) {
      return num_sigma_ * std::sqrt(unbiased_ ? m.unbiased_variance() : m.population_variance());
    };
    return {{"min", each([&](const Moments& m) { return m.mean - reach(m); }, 2)},
            {"max", each([&](const Moments& m) { return m.mean + reach(m); }, 2)},
            {"range", each([&](const Moments& m) { return 2 * reach(m); }, 2)},
            {"count", count()}};
  }

 private:
  bool unbiased_;
  double num_sigma_;
};

}  // namespace

StatisticKind range_n_sigma() {
  return {
      "range_n_sigma",
      {kDeviceOption,
       kDimsOption,
       kAbsOption,
       {"var_mode", "string", "\"online\"", "variance as variance_online or variance_precise has it"},
       {"num_sigma", "number", "3", "standard deviations on each side of the mean"}},
      [](const MetaValue& options, const SampleLayout& layout) {
        Reduction reduction(options["dims"], layout.shape);
        std::vector<Moments> states(static_cast<std::size_t>(reduction.groups()));
        return std::unique_ptr<Statistic>(new RangeNSigma(std::move(reduction), std::move(states), options));
      }};
}

}  // namespace jsc
