// The numbers behind a plot as a table: a column of x, then one for each series (and one for its error bars).
#pragma once

#include "apps/report/plot.hpp"
#include "apps/report/table.hpp"

namespace jsc {

Table plot_numbers(const Plot& plot);

}  // namespace jsc
