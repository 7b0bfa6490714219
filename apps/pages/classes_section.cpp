#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/pages/sections.hpp"
#include "apps/report/format.hpp"

namespace jsc {

namespace {

constexpr std::size_t kMostCurves = 8;      // as many as can be told apart
constexpr std::size_t kLargestMatrix = 20;  // classes that a matrix is shown for
constexpr std::size_t kConfusions = 20;     // rows of the table in its place
constexpr int kEfficiencies = 100;          // points of a curve

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "";
}

std::string percent(std::int64_t part, std::int64_t all) {
  return all == 0 ? "" : fmt::format("{:.2f}", 100.0 * static_cast<double>(part) / static_cast<double>(all));
}

// The classes that get a curve: all, or those that are hardest to tell.
std::vector<std::size_t> shown_classes(const Evaluation& evaluation) {
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < evaluation.roc.size(); ++c)
    if (evaluation.roc[c].auc()) shown.push_back(c);
  if (shown.size() > kMostCurves) {
    std::ranges::stable_sort(shown, {}, [&](std::size_t c) { return *evaluation.roc[c].auc(); });
    shown.resize(kMostCurves);
  }
  return shown;
}

void add_curves(Plot& plot, Table& numbers, const std::vector<std::string>& names,
                const Evaluation& evaluation, const std::vector<std::size_t>& shown, const char* network,
                bool dashed, const std::vector<std::string>& labels) {
  for (std::size_t s = 0; s < shown.size(); ++s) {
    const Roc& roc = evaluation.roc[shown[s]];
    Series series;
    if (s < labels.size()) series.label = labels[s];
    series.look = static_cast<int>(s);
    series.dashed = dashed;
    for (int i = 1; i <= kEfficiencies; ++i) {
      series.x.push_back(static_cast<double>(i) / kEfficiencies);
      series.y.push_back(*roc.background_efficiency(series.x.back()));
      numbers.add_row({names[shown[s]] + network, fmt::format("{:.2f}", series.x.back()),
                       fmt::format("{:.6g}", series.y.back())});
    }
    plot.series.push_back(std::move(series));
  }
}

void add_roc(Page& page, const std::vector<std::string>& names, const Evaluation& plain,
             const Evaluation* quantized, const std::string& rows) {
  const std::vector<std::size_t> shown = shown_classes(plain);
  Plot plot;
  plot.title = "ROC";
  plot.x_label = "signal efficiency";
  plot.y_label = "background efficiency";
  plot.log_y = true;
  plot.draw_title = false;
  Table numbers({"class", "signal efficiency", "background efficiency"},
                {Align::left, Align::right, Align::right});
  // One entry of the key for both networks: twice as many could not be read on a phone.
  std::vector<std::string> labels;
  for (const std::size_t c : shown) {
    labels.push_back(fmt::format("{}  AUC {:.4f}", names[c], *plain.roc[c].auc()));
    if (quantized != nullptr) labels.back() += fmt::format(", quantized {:.4f}", *quantized->roc[c].auc());
  }
  add_curves(plot, numbers, names, plain, shown, quantized != nullptr ? ", float" : "", false, labels);
  if (quantized != nullptr) add_curves(plot, numbers, names, *quantized, shown, ", quantized", true, {});
  plot.width = kHalfWidth;
  plot.height = kHalfHeight;
  double least = 1;
  for (const Series& series : plot.series)
    for (const double y : series.y)
      if (y > 0) least = std::min(least, y);
  plot.x_range = AxisRange{0, 1};
  plot.y_range = AxisRange{least < 1 ? std::pow(10, std::floor(std::log10(least))) : 0.1, 1};
  plot.description =
      fmt::format("Background efficiency over signal efficiency, each class against all others, of {}", rows);
  for (const std::string& label : labels) plot.description += "; " + label;

  std::string note =
      "Each class against all others, by its probability. Lower is better: a curve shows what share of the "
      "other classes passes a cut that keeps the given share of the class.";
  if (quantized != nullptr) note += " Solid: the float network; dashed: the quantized one.";
  if (shown.size() < names.size())
    note += fmt::format(
        " Shown are {} of {} classes{}.", shown.size(), names.size(),
        shown.size() == kMostCurves ? ", those with the smallest AUC" : "; the others have no rows");
  page.plot(script_of(plot), numbers, {.caption = "ROC by class", .note = note, .file = "roc"});
}

std::int64_t row_sum(const Evaluation& e, std::size_t label) {
  return std::accumulate(e.confusion[label].begin(), e.confusion[label].end(), std::int64_t{0});
}

std::int64_t column_sum(const Evaluation& e, std::size_t predicted) {
  std::int64_t sum = 0;
  for (const auto& row : e.confusion) sum += row[predicted];
  return sum;
}

void add_class_table(Page& page, const std::vector<std::string>& names, const Evaluation& plain,
                     const Evaluation* quantized) {
  std::vector<std::string> titles = {"class"};
  if (quantized != nullptr) titles.push_back("network");
  const std::size_t words = titles.size();
  for (const char* what : {"rows", "recall %", "precision %", "AUC", "background at 50 %"})
    titles.push_back(what);
  std::vector<Align> align(titles.size(), Align::right);
  std::fill_n(align.begin(), words, Align::left);
  Table table(titles, align);
  for (std::size_t c = 0; c < names.size(); ++c)
    for (const Evaluation* e : {&plain, quantized}) {
      if (e == nullptr) continue;
      std::vector<std::string> cells = {names[c]};
      if (quantized != nullptr) cells.push_back(e == &plain ? "float" : "quantized");
      cells.push_back(std::to_string(row_sum(*e, c)));
      cells.push_back(percent(e->confusion[c][c], row_sum(*e, c)));
      cells.push_back(percent(e->confusion[c][c], column_sum(*e, c)));
      cells.push_back(number(e->roc[c].auc()));
      cells.push_back(number(e->roc[c].background_efficiency(0.5)));
      table.add_row(cells);
    }
  page.table(table,
             {.caption = "Classes",
              .note = "Recall: the share of the class's rows that are called so. Precision: the share of the "
                      "rows called so "
                      "that are of "
                      "the class. AUC: the probability that a row of the class gets a higher probability of "
                      "it than a row of "
                      "another. "
                      "Background at 50 %: the background efficiency where the signal efficiency is 50 %.",
              .file = "classes"});
}

void add_confusion(Page& page, const std::vector<std::string>& names, const Evaluation& e,
                   const std::string& whose) {
  if (names.size() <= kLargestMatrix) {
    std::vector<std::string> titles = {"label \\ predicted"};
    titles.insert(titles.end(), names.begin(), names.end());
    std::vector<Align> align(titles.size(), Align::right);
    align[0] = Align::left;
    Table table(titles, align);
    std::vector<std::vector<double>> shade;
    for (std::size_t label = 0; label < names.size(); ++label) {
      std::vector<std::string> cells = {names[label]};
      shade.push_back({0});
      const double all = static_cast<double>(std::max<std::int64_t>(row_sum(e, label), 1));
      for (const std::int64_t n : e.confusion[label]) {
        cells.push_back(std::to_string(n));
        shade.back().push_back(static_cast<double>(n) / all);
      }
      table.add_row(cells);
    }
    page.table(table, {.caption = fmt::format("Confusion matrix{}: rows by label and prediction", whose),
                       .file = "confusion",
                       .shade = shade});
    return;
  }
  struct Pair {
    std::size_t label, predicted;
    std::int64_t rows;
  };
  std::vector<Pair> pairs;
  for (std::size_t label = 0; label < names.size(); ++label)
    for (std::size_t predicted = 0; predicted < names.size(); ++predicted)
      if (label != predicted && e.confusion[label][predicted] > 0)
        pairs.push_back({label, predicted, e.confusion[label][predicted]});
  std::ranges::stable_sort(pairs, std::greater(), &Pair::rows);
  pairs.resize(std::min(pairs.size(), kConfusions));
  Table table({"label", "predicted", "rows", "% of the label"},
              {Align::left, Align::left, Align::right, Align::right});
  for (const Pair& pair : pairs)
    table.add_row({names[pair.label], names[pair.predicted], std::to_string(pair.rows),
                   percent(pair.rows, row_sum(e, pair.label))});
  page.table(table, {.caption = fmt::format("Most frequent confusions{}, of {} classes", whose, names.size()),
                     .file = "confusions"});
}

}  // namespace

void add_classes_section(Page& page, const std::vector<std::string>& class_names, const Evaluation& plain,
                         const Evaluation* quantized, const std::string& rows) {
  page.section("Classes");
  page.text(fmt::format("Measured on the {}.", rows));
  add_roc(page, class_names, plain, quantized, rows);
  add_class_table(page, class_names, plain, quantized);
  add_confusion(page, class_names, quantized != nullptr ? *quantized : plain,
                quantized != nullptr ? " of the quantized network" : "");
}

}  // namespace jsc
