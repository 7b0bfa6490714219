// record: {data, count, size_in_bytes}. Every value, the samples joined along dimension 0 (or along a new
// one). Refuses more than 2^20 values: there is no bound on its memory otherwise.
#pragma once

#include "graph/statistics/statistic.hpp"

namespace jsc {

StatisticKind record_statistic();

}  // namespace jsc
