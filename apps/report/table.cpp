#include "apps/report/table.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "apps/report/terminal.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace {

constexpr int kNarrowest = 4;

using Lines = std::vector<std::string>;

// The lines of a cell, each at most `width` columns, broken at spaces where there are some.
Lines wrap(std::string_view cell, int width) {
  Lines lines;
  for (bool more = true; more;) {
    const std::size_t end = cell.find('\n');
    std::string_view rest = cell.substr(0, end);
    more = end != std::string_view::npos;
    if (more) cell.remove_prefix(end + 1);
    while (display_width(rest) > width) {
      const std::size_t fits = std::max<std::size_t>(prefix_within(rest, width), 1);
      const std::size_t space = rest.substr(0, fits + 1).rfind(' ');
      const bool at_space = space != std::string_view::npos && space > 0;
      lines.emplace_back(rest.substr(0, at_space ? space : fits));
      rest.remove_prefix(at_space ? space + 1 : fits);
    }
    lines.emplace_back(rest);
  }
  return lines;
}

int natural_width(std::string_view cell) {
  int width = 0;
  for (const std::string& line : wrap(cell, 1 << 20)) width = std::max(width, display_width(line));
  return width;
}

std::string rule(const std::vector<int>& widths, char stroke) {
  std::string line = "+";
  for (const int width : widths) line.append(static_cast<std::size_t>(width) + 2, stroke) += '+';
  return line + '\n';
}

// One row of the box, as many lines as its tallest cell.
void append_row(std::string& out, const std::vector<Lines>& cells, const std::vector<Align>& align,
                const std::vector<int>& widths) {
  std::size_t height = 0;
  for (const Lines& cell : cells) height = std::max(height, cell.size());
  for (std::size_t l = 0; l < height; ++l) {
    out += '|';
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string_view line = l < cells[c].size() ? std::string_view(cells[c][l]) : std::string_view();
      const std::string padding(static_cast<std::size_t>(std::max(0, widths[c] - display_width(line))), ' ');
      const bool right = align[c] == Align::right;
      out.append(" ").append(right ? padding : "").append(line).append(right ? "" : padding).append(" |");
    }
    out += '\n';
  }
}

std::string csv_cell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

void append_csv_row(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (c > 0) out += ',';
    out += csv_cell(cells[c]);
  }
  out += '\n';
}

std::string markdown_cell(const std::string& cell) {
  std::string escaped;
  for (const char c : cell) {
    if (c == '|' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? std::string("<br>") : std::string(1, c);
  }
  return escaped;
}

}  // namespace

Table::Table(std::vector<std::string> titles, std::vector<Align> align)
    : titles_(std::move(titles)), align_(std::move(align)) {
  JSC_ASSERT(align_.size() <= titles_.size());
  align_.resize(titles_.size(), Align::left);
}

void Table::add_row(std::vector<std::string> cells) {
  if (cells.size() != titles_.size())
    fail("table row {}: expected {} cells, found {}", rows_.size() + 1, titles_.size(), cells.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(int max_width) const {
  std::vector<int> widths;
  int total = 1;
  for (std::size_t c = 0; c < titles_.size(); ++c) {
    int width = natural_width(titles_[c]);
    for (const auto& row : rows_) width = std::max(width, natural_width(row[c]));
    widths.push_back(width);
    total += width + 3;
  }
  while (max_width > 0 && total > max_width) {
    int& widest = *std::max_element(widths.begin(), widths.end());
    if (widest <= kNarrowest) break;
    --widest;
    --total;
  }

  std::vector<std::vector<Lines>> wrapped;
  bool tall = false;
  for (const auto& row : rows_) {
    wrapped.emplace_back();
    for (std::size_t c = 0; c < row.size(); ++c) {
      wrapped.back().push_back(wrap(row[c], widths[c]));
      tall = tall || wrapped.back().back().size() > 1;
    }
  }
  std::vector<Lines> titles;
  for (std::size_t c = 0; c < titles_.size(); ++c) titles.push_back(wrap(titles_[c], widths[c]));

  std::string out = rule(widths, '-');
  append_row(out, titles, align_, widths);
  out += rule(widths, '=');
  for (std::size_t r = 0; r < wrapped.size(); ++r) {
    if (tall && r > 0) out += rule(widths, '-');
    append_row(out, wrapped[r], align_, widths);
  }
  return wrapped.empty() ? out : out + rule(widths, '-');
}

std::string Table::to_terminal() const {
  const int width = terminal_width(STDOUT_FILENO);
  return text(width > 0 ? width : terminal_width(STDERR_FILENO));
}

std::string Table::csv() const {
  std::string out;
  append_csv_row(out, titles_);
  for (const auto& row : rows_) append_csv_row(out, row);
  return out;
}

std::string Table::markdown() const {
  std::string out = "|";
  for (const std::string& title : titles_) out += ' ' + markdown_cell(title) + " |";
  out += "\n|";
  for (const Align align : align_) out += align == Align::right ? "---:|" : "---|";
  out += '\n';
  for (const auto& row : rows_) {
    out += '|';
    for (const std::string& cell : row) out += ' ' + markdown_cell(cell) + " |";
    out += '\n';
  }
  return out;
}

std::string Table::json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& row : rows_) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (std::size_t c = 0; c < row.size(); ++c) {
      nlohmann::ordered_json number;
      if (align_[c] == Align::right) number = nlohmann::ordered_json::parse(row[c], nullptr, false);
      object[titles_[c]] = number.is_number() ? number : nlohmann::ordered_json(row[c]);
    }
    rows.push_back(std::move(object));
  }
  return rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace jsc
