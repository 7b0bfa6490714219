#include "apps/transform/range_plots.hpp"

#include <algorithm>
#include <cmath>

namespace jsc {

namespace {

constexpr int kWidth = 760, kRowHeight = 24, kFrameHeight = 120;

// Tensors stand from top to bottom, so row i has the height -i.
struct Axes {
  int first = 0, last = 1;  // octaves that the axis spans
};

Axes axes_of(std::span<const TensorBox> boxes, std::span<const FormatBand> bands) {
  bool any = false;
  Axes axes;
  const auto include = [&](int first, int last) {
    axes.first = any ? std::min(axes.first, first) : first;
    axes.last = any ? std::max(axes.last, last) : last;
    any = true;
  };
  for (const TensorBox& box : boxes)
    if (!box.octaves.empty())
      include(box.first_octave, box.first_octave + static_cast<int>(box.octaves.size()));
  for (const FormatBand& band : bands)
    include(static_cast<int>(std::floor(band.low)), static_cast<int>(std::ceil(band.high)));
  return axes;
}

std::string percent(double share) {
  if (share == 0) return "";
  if (share < 0.001) return "<0.1 %";
  return fmt::format("{:.1f} %", 100 * share);
}

std::string frame(std::span<const TensorBox> boxes, const std::string& title, const Axes& axes) {
  const int rows = static_cast<int>(boxes.size());
  const int step = std::max(1, (axes.last - axes.first + 7) / 8);  // some eight powers are named
  std::size_t longest = 0;
  for (const TensorBox& box : boxes) longest = std::max(longest, box.name.size());
  std::string script = gnuplot_head(title, kWidth, kFrameHeight + kRowHeight * rows, true);
  script += fmt::format(
      "unset key\nset style fill solid 1.0 border\n"
      "set xlabel 'magnitude, in powers of two' textcolor rgb plot_text\n"
      "set format x '2^{{%.0f}}'\nset xtics {0}\nset xrange [{1}:{2}]\nset yrange [{3}:0.7]\n"
      "set lmargin {4}\nset rmargin 10\n"
      "set label 'zeros' at graph 1.01, first 0.7 textcolor rgb plot_text\n",
      step, axes.first, axes.last, -rows + 0.3, longest + 3);
  script += "set ytics noenhanced (";
  for (std::size_t i = 0; i < boxes.size(); ++i)
    script += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_string(boxes[i].name), -static_cast<int>(i));
  script += ")\n";
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (const std::string zeros = percent(boxes[i].zero_share); !zeros.empty())
      script += fmt::format("set label {} at graph 1.01, first {} noenhanced textcolor rgb plot_text\n",
                            gnuplot_string(zeros), -static_cast<int>(i));
  return script;
}

// A tensor's values in words, for the SVG's description.
std::string in_words(std::span<const TensorBox> boxes) {
  std::string text;
  for (const TensorBox& box : boxes)
    text += fmt::format("{}: {} values, {:.4g} zero, magnitudes {:.4g} {:.4g} {:.4g} {:.4g} {:.4g}. ",
                        box.name, box.count, box.zero_share, box.min, box.q1, box.median, box.q3, box.max);
  return text;
}

constexpr const char* kNothing = "every value is zero: there is no magnitude to draw";

bool all_zero(const TensorBox& box) {
  return box.octaves.empty();
}

}  // namespace

PlotScript range_script(std::span<const TensorBox> boxes, std::span<const FormatBand> bands,
                        bool draw_title) {
  const std::string title = "Magnitudes of weights and activations";
  if (std::ranges::all_of(boxes, all_zero)) return {title, "", "", kNothing};
  std::string script = frame(boxes, draw_title ? title : "", axes_of(boxes, bands));
  script += "$bands << END_OF_BANDS\n";
  for (const FormatBand& band : bands)
    script += fmt::format("{} {} {}\n", -static_cast<int>(band.tensor), band.low, band.high);
  script += "END_OF_BANDS\n";
  script += "$boxes << END_OF_BOXES\n";
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (!all_zero(boxes[i]))
      script += fmt::format("{} {} {} {} {} {}\n", -static_cast<int>(i), std::log2(boxes[i].min),
                            std::log2(boxes[i].q1), std::log2(boxes[i].median), std::log2(boxes[i].q3),
                            std::log2(boxes[i].max));
  script += "END_OF_BOXES\nplot ";
  if (!bands.empty())
    script +=
        "$bands using 2:1:2:3:($1-0.42):($1+0.42) with boxxyerror fillcolor rgb plot_band fillstyle solid "
        "border "
        "linecolor rgb plot_axis, ";
  script +=
      "$boxes using 2:1:($6-$2):(0) with vectors nohead linewidth 1.5 linecolor rgb plot_axis, "
      "$boxes using 2:($1-0.16):(0):(0.32) with vectors nohead linewidth 1.5 linecolor rgb plot_axis, "
      "$boxes using 6:($1-0.16):(0):(0.32) with vectors nohead linewidth 1.5 linecolor rgb plot_axis, "
      "$boxes using 4:1:3:5:($1-0.3):($1+0.3) with boxxyerror fillcolor rgb plot_box fillstyle solid border "
      "linecolor rgb series_1, "
      "$boxes using 4:($1-0.3):(0):(0.6) with vectors nohead linewidth 2.5 linecolor rgb series_2\n";
  return {title, in_words(boxes), script, ""};
}

RenderedPlot render_ranges(std::span<const TensorBox> boxes) {
  return run_gnuplot(range_script(boxes, {}, true));
}

RenderedPlot render_histograms(std::span<const TensorBox> boxes) {
  if (std::ranges::all_of(boxes, all_zero)) return {"", kNothing};
  const std::string title = "Histograms of magnitudes, by octave";
  std::string script = frame(boxes, title, axes_of(boxes, {}));
  script += "$bars << END_OF_BARS\n";
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (all_zero(boxes[i])) continue;
    const auto most = static_cast<double>(*std::ranges::max_element(boxes[i].octaves));
    const double floor = -static_cast<double>(i) - 0.4;
    for (std::size_t octave = 0; octave < boxes[i].octaves.size(); ++octave) {
      const int left = boxes[i].first_octave + static_cast<int>(octave);
      const double height = 0.8 * static_cast<double>(boxes[i].octaves[octave]) / most;
      if (height > 0)
        script += fmt::format("{} {} {} {} {} {}\n", left, floor, left, left + 1, floor, floor + height);
    }
  }
  script +=
      "END_OF_BARS\nplot $bars using 1:2:3:4:5:6 with boxxyerror fillcolor rgb plot_box fillstyle solid "
      "border "
      "linecolor rgb series_1\n";
  return run_gnuplot({title, in_words(boxes), script, ""});
}

}  // namespace jsc
