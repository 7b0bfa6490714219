#include "graph/statistics/abs_mean.hpp"

#include <cmath>

#include "graph/statistics/grouped.hpp"
#include "graph/statistics/moments.hpp"
#include "graph/statistics/options.hpp"

namespace jsc {

namespace {

// All terms have one sign, so a plain sum in double loses nothing that matters.
struct MagnitudeSum {
  std::int64_t count = 0;
  double sum = 0;

  void add(const float* x, Index n) {
    sum += lane_sum(x, n, [](double v) { return std::fabs(v); });
    count += n;
  }
  void merge(const MagnitudeSum& later) {
    sum += later.sum;
    count += later.count;
  }
  void clear() { *this = {}; }
};

class AbsMean final : public Grouped<MagnitudeSum> {
 public:
  using Grouped::Grouped;
  MetaValue result() const override {
    const auto mean = [](const MagnitudeSum& m) { return m.sum / static_cast<double>(m.count); };
    return {{"abs_mean", each(mean, 2)}, {"count", count()}};
  }
};

}  // namespace

StatisticKind abs_mean() {
  return {"abs_mean", {kDeviceOption, kDimsOption}, [](const MetaValue& options, const SampleLayout& layout) {
            Reduction reduction(options["dims"], layout.shape);
            std::vector<MagnitudeSum> states(static_cast<std::size_t>(reduction.groups()));
            return std::unique_ptr<Statistic>(new AbsMean(std::move(reduction), std::move(states), false));
          }};
}

}  // namespace jsc
