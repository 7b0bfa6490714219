#include "apps/report/plot_numbers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

namespace jsc {

Table plot_numbers(const Plot& plot) {
  std::vector<std::string> titles = {plot.x_label};
  std::size_t columns = 0;
  for (const Series& series : plot.series) columns += series.error.empty() ? 1 : 2;
  std::map<double, std::vector<std::string>> rows;  // by x
  std::size_t column = 0;
  for (const Series& series : plot.series) {
    const std::string name = series.label.empty() ? plot.y_label : series.label;
    titles.push_back(name);
    if (!series.error.empty()) titles.push_back(name + " ±");
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      std::vector<std::string>& row = rows[series.x[i]];
      row.resize(columns);
      if (!std::isfinite(series.y[i])) continue;
      row[column] = fmt::format("{:.6g}", series.y[i]);
      if (!series.error.empty()) row[column + 1] = fmt::format("{:.3g}", series.error[i]);
    }
    column += series.error.empty() ? 1 : 2;
  }
  Table table(titles, std::vector<Align>(titles.size(), Align::right));
  for (auto& [x, cells] : rows) {
    const bool named = !plot.x_names.empty() && x >= 0 && x < static_cast<double>(plot.x_names.size());
    cells.insert(cells.begin(), named ? plot.x_names[static_cast<std::size_t>(x)] : fmt::format("{}", x));
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace jsc
