// The magnitudes of every tensor of a network as two pictures with a common axis of powers of two, a row a
// tensor: box plots (least, quartiles, largest, the share of zeros), and histograms by octave.
#pragma once

#include <span>

#include "apps/report/gnuplot.hpp"
#include "graph/passes/pass.hpp"

namespace jsc {

RenderedPlot render_ranges(std::span<const TensorBox> boxes);
RenderedPlot render_histograms(std::span<const TensorBox> boxes);

}  // namespace jsc
