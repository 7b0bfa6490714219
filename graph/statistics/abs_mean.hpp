// abs_mean: {abs_mean, count}. The mean of |x|.
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind abs_mean();

}  // namespace jsc
