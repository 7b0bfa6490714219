// The rows of a text file, parsed in parallel: what CSV and ARFF have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/data/table.hpp"

namespace jsc {

// How a text file writes its cells.
struct CellSyntax {
  char delimiter = ',';
  std::string_view quotes = "\"";  // characters that open and close a quoted cell
  char comment = '\0';             // a line that begins with it is skipped
  bool backslash_escapes = false;  // inside quotes; without, a doubled quote stands for one
};

struct TextRows {
  std::string source;
  std::string_view text;  // the rows, without what stands before them
  Index first_line = 1;   // number of the first of these lines in the file
  CellSyntax syntax;
  std::vector<std::string> names;  // one a cell of a row, or empty
  Index cells = 0;                 // in each row
};

// The cells of one line, unquoted. Throws Error for a quote that is not closed.
std::vector<std::string> split_cells(std::string_view line, const CellSyntax& syntax,
                                     const std::string& where);

// The next line of the text without its end (LF or CRLF); removes it from the text.
std::string_view take_line(std::string_view& text);

// Neither empty nor a comment.
bool is_row(std::string_view line, const CellSyntax& syntax);

bool is_number(std::string_view cell);   // as a float cell is written, also nan and inf
bool is_missing(std::string_view cell);  // "", "?", "NA", "N/A", "null", "nan" in quotes or not

RawTable read_rows(const TextRows& rows, const Columns& columns, const LoadOptions& options);

}  // namespace jsc
