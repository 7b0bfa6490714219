// range_quantile: {min, max, range, count}. The quantiles 1 - q and q; graph/statistics/quantiles.hpp says
// how exact.
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind range_quantile();

}  // namespace jsc
