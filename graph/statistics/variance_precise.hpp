// variance_precise: {mean, variance, count}. The unbiased variance, M / (n - 1).
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind variance_precise();

}  // namespace jsc
