// range_n_sigma: {min, max, range, count}. mean -+ num_sigma sqrt(variance), the variance as var_mode says:
// "online" M / n, "precise" M / (n - 1).
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind range_n_sigma();

}  // namespace jsc
