// Tables for people and for programs: the same rows as boxed text, CSV, Markdown or JSON.
//
//   Table table({"Name", "Parameters"}, {Align::left, Align::right});
//   table.add_row({"linear_1", "1,088"});
//   fmt::print("{}", table.to_terminal());
//
//   +----------+------------+
//   | Name     | Parameters |
//   +==========+============+
//   | linear_1 |      1,088 |
//   +----------+------------+
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace jsc {

enum class Align { left, right };  // right for numbers

class Table {
 public:
  // Columns without an alignment are aligned left.
  explicit Table(std::vector<std::string> titles, std::vector<Align> align = {});

  // One cell a column; a cell may hold several lines. Throws Error for another number of cells.
  void add_row(std::vector<std::string> cells);

  std::size_t row_count() const { return rows_.size(); }
  const std::vector<std::string>& titles() const { return titles_; }
  const std::vector<Align>& align() const { return align_; }  // one a column
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

  // The box. With a max_width > 0 the widest columns shrink and their cells wrap until it fits (a column
  // keeps at least 4 characters); rules then stand between the rows.
  std::string text(int max_width = 0) const;

  // text() as wide as the terminal on standard output or, if that is none, standard error; unlimited
  // elsewhere.
  std::string to_terminal() const;

  std::string csv() const;       // RFC 4180, lines end in \n
  std::string markdown() const;  // GitHub's tables
  // An array of objects. Cells of right-aligned columns that are numbers are written as numbers.
  std::string json() const;

 private:
  std::vector<std::string> titles_;
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace jsc
