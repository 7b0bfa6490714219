// variance_online: {mean, variance, count}. The population variance, M / n.
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind variance_online();

}  // namespace jsc
