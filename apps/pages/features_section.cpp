#include <algorithm>
#include <numeric>

#include "apps/pages/sections.hpp"
#include "apps/report/format.hpp"
#include "apps/report/histogram.hpp"
#include "apps/report/terminal.hpp"

namespace jsc {

namespace {

constexpr std::size_t kMostFeatures = 24;
constexpr std::size_t kMostClasses = 8;
constexpr int kLongestName = 14;  // of a class, in the key of a small plot

std::string shortened(const std::string& name) {
  if (display_width(name) <= kLongestName) return name;
  return name.substr(0, prefix_within(name, kLongestName - 1)) + "…";
}

// The classes with the most rows, in their own order.
std::vector<std::size_t> shown_classes(const std::vector<std::int64_t>& rows) {
  std::vector<std::size_t> shown(rows.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  std::ranges::stable_sort(shown, std::greater(), [&](std::size_t c) { return rows[c]; });
  shown.resize(std::min(shown.size(), kMostClasses));
  std::erase_if(shown, [&](std::size_t c) { return rows[c] == 0; });
  std::ranges::sort(shown);
  return shown;
}

void add_feature(Page& page, const std::string& name, const Histogram& h,
                 const std::vector<std::string>& classes) {
  const std::vector<std::size_t> shown = shown_classes(h.rows);
  Plot plot;
  plot.title = name;
  plot.y_label = "share of the class";
  plot.steps = true;
  plot.most_tics = 5;
  plot.draw_title = false;
  plot.width = kThirdWidth;
  plot.height = kThirdHeight;
  plot.x_range = AxisRange{h.edge(0), h.edge(h.bins())};
  std::vector<std::string> titles = {"from", "to"};
  for (const std::size_t c : shown) titles.push_back(classes[c]);
  Table numbers(titles, std::vector<Align>(titles.size(), Align::right));
  const auto share = [&](std::size_t c, std::size_t bin) {
    return static_cast<double>(h.counts[c][bin]) / static_cast<double>(h.rows[c]);
  };
  for (const std::size_t c : shown) {
    Series series;
    series.label = shortened(classes[c]);
    for (std::size_t bin = 0; bin < h.bins(); ++bin) {
      series.x.push_back(h.edge(bin));
      series.y.push_back(share(c, bin));
    }
    series.x.push_back(h.edge(h.bins()));  // the last step ends here
    series.y.push_back(series.y.back());
    plot.series.push_back(std::move(series));
  }
  for (std::size_t bin = 0; bin < h.bins(); ++bin) {
    std::vector<std::string> cells = {fmt::format("{:.6g}", h.edge(bin)),
                                      fmt::format("{:.6g}", h.edge(bin + 1))};
    for (const std::size_t c : shown) cells.push_back(fmt::format("{:.4g}", share(c, bin)));
    numbers.add_row(cells);
  }
  plot.description = fmt::format("Share of each class's rows in {} bins from {:.4g} to {:.4g}", h.bins(),
                                 h.edge(0), h.edge(h.bins()));
  page.plot(script_of(plot), numbers, {.caption = name, .file = "feature_" + name, .size = PlotSize::third});
}

}  // namespace

void add_features_section(Page& page, const PreparedData& prepared, std::span<const std::uint32_t> chosen,
                          const std::string& rows) {
  const Dataset& data = prepared.data;
  page.section("Features");
  const std::size_t features = static_cast<std::size_t>(data.features),
                    shown = std::min(features, kMostFeatures);
  std::string text = fmt::format(
      "Distributions over the {}, before scaling: the share of each class's rows by bin. The 0.5 % of the "
      "rows with the "
      "smallest and with the largest values of a feature may lie outside of its plot.",
      rows);
  if (shown < features) text += fmt::format(" The first {} of {} features.", shown, features);
  if (data.class_names.size() > kMostClasses)
    text += fmt::format(" The {} classes with the most rows, of {}.", kMostClasses, data.class_names.size());
  page.text(text);

  std::vector<std::int32_t> labels(chosen.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) labels[i] = data.labels[chosen[i]];
  std::vector<double> values(chosen.size());
  const bool scaled = !prepared.scaler.mean.empty();
  for (std::size_t f = 0; f < shown; ++f) {
    const double mean = scaled ? prepared.scaler.mean[f] : 0, scale = scaled ? prepared.scaler.scale[f] : 1;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      values[i] = static_cast<double>(data.row(chosen[i])[f]) * scale + mean;
    add_feature(page, data.feature_names[f], histogram_by_class(values, labels, data.class_names.size()),
                data.class_names);
  }
}

}  // namespace jsc
