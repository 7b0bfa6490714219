// A plot with the name of the file that holds it; in a page, its caption and its numbers.
#pragma once

#include <string>

#include "apps/report/html.hpp"
#include "apps/report/plot.hpp"

namespace jsc {

struct NamedPlot {
  std::string file;  // without .svg
  Plot plot;
};

// A title as a page's caption: its first letter a capital.
std::string caption_of(std::string title);

void add_plot(Page& page, const NamedPlot& named);

}  // namespace jsc
