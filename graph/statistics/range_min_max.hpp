// range_min_max: {min, max, range, count}. The least and the largest value.
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind range_min_max();

}  // namespace jsc
