// The magnitudes of every tensor of a network as two pictures with a common axis of powers of two, a row a
// tensor: box plots (least, quartiles, largest, the share of zeros) beside what the formats hold, and
// histograms by octave.
#pragma once

#include <span>

#include "apps/report/gnuplot.hpp"
#include "graph/passes/pass.hpp"

namespace jsc {

// What a format holds of a tensor: from its step to its largest number, as exponents of two. Drawn in grey.
struct FormatBand {
  std::size_t tensor = 0;  // place among the boxes
  double low = 0, high = 0;
};

// Without a title it is for a page, whose caption says it.
PlotScript range_script(std::span<const TensorBox> boxes, std::span<const FormatBand> bands, bool draw_title);
RenderedPlot render_ranges(std::span<const TensorBox> boxes);
RenderedPlot render_histograms(std::span<const TensorBox> boxes);

}  // namespace jsc
