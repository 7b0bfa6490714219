#include "apps/report/named_plot.hpp"

#include "apps/report/plot_numbers.hpp"

namespace jsc {

std::string caption_of(std::string title) {
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z')
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

void add_plot(Page& page, const NamedPlot& named) {
  Plot plot = named.plot;
  plot.draw_title = false;
  plot.width = kHalfWidth;
  plot.height = kHalfHeight;
  page.plot(script_of(plot), plot_numbers(plot), {.caption = caption_of(plot.title), .file = named.file});
}

}  // namespace jsc
