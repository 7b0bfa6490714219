// CSV: comma, semicolon or tab between cells, with or without a line of names.
#include <algorithm>

#include "apps/data/cells.hpp"
#include "apps/data/readers.hpp"
#include "apps/support/mapped_file.hpp"

namespace jsc {

namespace {

char find_delimiter(std::string_view line) {
  for (const char delimiter : {',', ';', '\t'})
    if (line.find(delimiter) != line.npos) return delimiter;
  return ',';
}

std::vector<bool> text_cells(const std::vector<std::string>& cells) {
  std::vector<bool> is_text;
  for (const std::string& cell : cells) is_text.push_back(!is_number(cell) && !is_missing(cell));
  return is_text;
}

// A first row with text is a line of names, unless its only text is a label: the second row has text there
// too.
bool is_header(const std::vector<std::string>& first, const std::vector<std::string>& second) {
  const std::vector<bool> text = text_cells(first);
  const auto count = std::count(text.begin(), text.end(), true);
  if (count != 1) return count > 1;
  const auto label = static_cast<std::size_t>(std::find(text.begin(), text.end(), true) - text.begin());
  if (second.empty()) return false;
  return first.size() != second.size() || !text_cells(second)[label];
}

}  // namespace

Dataset read_csv(const std::string& path, const LoadOptions& options) {
  const MappedFile file(path);
  TextRows rows;
  rows.source = path;
  rows.text = file.bytes();
  if (rows.text.starts_with("\xEF\xBB\xBF")) rows.text.remove_prefix(3);  // byte-order mark
  if (rows.text.find('\0') != rows.text.npos) fail("{}: expected CSV text, found a zero byte", path);

  const auto next_row = [&](std::string_view& text, Index& line) {  // line: the number of the row's line
    for (std::string_view content; !text.empty(); ++line)
      if (content = take_line(text); is_row(content, rows.syntax)) return content;
    return std::string_view();
  };
  std::string_view after_first = rows.text;
  Index line = 1;
  const std::string_view first_line = next_row(after_first, line);
  if (first_line.empty()) fail("{}: expected rows of data, found an empty file", path);
  rows.syntax.delimiter = find_delimiter(first_line);
  const auto first = split_cells(first_line, rows.syntax, fmt::format("{}, line {}", path, line));
  std::string_view after_second = after_first;
  Index second_number = line + 1;
  const std::string_view second_line = next_row(after_second, second_number);
  const auto second = second_line.empty() ? std::vector<std::string>()
                                          : split_cells(second_line, rows.syntax,
                                                        fmt::format("{}, line {}", path, second_number));

  rows.cells = std::ssize(first);
  const bool header = is_header(first, second);
  if (header) {
    if (second.empty()) fail("{}: expected rows of data, found a line of names only", path);
    rows.names = first;
    rows.text = after_first;
    rows.first_line = line + 1;
  }
  const std::vector<std::string>& sample = header ? second : first;
  std::vector<bool> is_text = text_cells(sample);
  is_text.resize(first.size());  // a ragged second row is reported when it is parsed
  Columns columns = choose_columns(path, rows.names, rows.cells, is_text, options);
  const bool row_numbers = header && first.size() > 1 && first.front().empty();  // as pandas writes its index
  if (row_numbers) {
    std::erase(columns.features, 0);
    std::erase(columns.labels, 0);
  }
  Dataset data = make_dataset(read_rows(rows, columns, options), options);
  if (row_numbers)
    data.warnings.push_back(fmt::format("{}: left out the first column, which has no name", path));
  return data;
}

}  // namespace jsc
