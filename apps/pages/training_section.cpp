#include <algorithm>

#include "apps/pages/sections.hpp"

namespace jsc {

namespace {

constexpr std::size_t kMostEpochs = 400;  // that a plot shows: about one a pixel

using Value = double EpochMetrics::*;

Series series_of(const std::string& label, std::span<const EpochMetrics> epochs, Value value) {
  Series series;
  series.label = label;
  for (const std::size_t i : thinned(epochs.size(), kMostEpochs)) {
    series.x.push_back(static_cast<double>(epochs[i].epoch + 1));
    series.y.push_back(epochs[i].*value);
  }
  return series;
}

Plot epochs_plot(const std::string& model, const std::string& what, std::span<const EpochMetrics> epochs) {
  Plot plot;
  plot.title = fmt::format("{}: {}", model, what);
  plot.description = fmt::format("{} of {} over {} epochs", what, model, epochs.size());
  plot.x_label = "epoch";
  plot.y_label = what;
  plot.whole_x = true;
  return plot;
}

std::string in_words(std::string_view name, std::span<const EpochMetrics> epochs, Value value) {
  const auto [least, most] = std::ranges::minmax(epochs, {}, value);
  return fmt::format(". {}: first {:.4g}, last {:.4g}, least {:.4g}, largest {:.4g}", name,
                     epochs.front().*value, epochs.back().*value, least.*value, most.*value);
}

Plot pair_plot(const std::string& model, const std::string& what, std::span<const EpochMetrics> epochs,
               Value training, Value validation) {
  Plot plot = epochs_plot(model, what, epochs);
  plot.series = {series_of("training", epochs, training), series_of("validation", epochs, validation)};
  if (!epochs.empty())
    plot.description += in_words("training", epochs, training) + in_words("validation", epochs, validation);
  return plot;
}

// What a plot of epochs shows, as a table: epoch, then a column a series.
Table numbers_of(const Plot& plot) {
  std::vector<std::string> titles = {"epoch"};
  for (const Series& series : plot.series) titles.push_back(series.label);
  Table table(titles, std::vector<Align>(titles.size(), Align::right));
  for (std::size_t i = 0; i < plot.series[0].x.size(); ++i) {
    std::vector<std::string> cells = {fmt::format("{}", plot.series[0].x[i])};
    for (const Series& series : plot.series) cells.push_back(fmt::format("{:.6g}", series.y[i]));
    table.add_row(cells);
  }
  return table;
}

void add(Page& page, Plot plot, const std::string& caption, const std::string& file) {
  plot.draw_title = false;
  plot.width = kHalfWidth;
  plot.height = kHalfHeight;
  page.plot(script_of(plot), numbers_of(plot), {.caption = caption, .file = file});
}

}  // namespace

std::vector<std::size_t> thinned(std::size_t n, std::size_t most) {
  std::vector<std::size_t> kept;
  if (n <= most) {
    for (std::size_t i = 0; i < n; ++i) kept.push_back(i);
    return kept;
  }
  for (std::size_t k = 0; k < most; ++k) kept.push_back(k * (n - 1) / (most - 1));
  return kept;
}

Plot loss_plot(const std::string& model, std::span<const EpochMetrics> epochs) {
  return pair_plot(model, "loss", epochs, &EpochMetrics::train_loss, &EpochMetrics::val_loss);
}

Plot accuracy_plot(const std::string& model, std::span<const EpochMetrics> epochs) {
  return pair_plot(model, "accuracy", epochs, &EpochMetrics::train_accuracy, &EpochMetrics::val_accuracy);
}

void add_training_section(Page& page, const std::string& model, std::span<const EpochMetrics> epochs) {
  page.section("Training");
  page.text(
      "Training loss and accuracy are means over the epoch's batches as they were trained on; validation is "
      "measured after the epoch.");
  add(page, loss_plot(model, epochs), "Loss", "loss");
  add(page, accuracy_plot(model, epochs), "Accuracy", "accuracy");

  Plot rate = epochs_plot(model, "learning rate", epochs);
  rate.series = {series_of("learning rate", epochs, &EpochMetrics::learning_rate)};
  rate.description += in_words("learning rate", epochs, &EpochMetrics::learning_rate);
  const auto [least, most] = std::ranges::minmax(rate.series[0].y);
  rate.log_y = least > 0 && most / least > 20;
  add(page, rate, "Learning rate of each epoch's last step", "learning_rate");

  Plot speed = epochs_plot(model, "million rows/s", epochs);
  speed.series = {series_of("million rows/s", epochs, &EpochMetrics::samples_per_second)};
  for (double& y : speed.series[0].y) y /= 1e6;
  speed.y_range = AxisRange{0, 1.1 * std::ranges::max(speed.series[0].y)};
  add(page, speed, "Training speed", "speed");
}

}  // namespace jsc
