// Two passes over chunks of whole lines: the first counts rows, so that the second writes each row where it
// belongs, whichever thread parses it. Of several errors, the first of the file is reported.
#include "apps/data/cells.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>

#include "engine/large_array.hpp"
#include "engine/threads.hpp"

namespace jsc {

std::string_view take_line(std::string_view& text) {
  const void* found = text.empty() ? nullptr : std::memchr(text.data(), '\n', text.size());
  const std::size_t length =
      found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : text.size();
  std::string_view line = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool is_row(std::string_view line, const CellSyntax& syntax) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != line.npos && (syntax.comment == '\0' || line[first] != syntax.comment);
}

namespace {

constexpr Index kChunkBytes = Index{1} << 20;

std::string_view trim(std::string_view cell) {
  const std::size_t first = cell.find_first_not_of(" \t");
  if (first == cell.npos) return {};
  return cell.substr(first, cell.find_last_not_of(" \t") - first + 1);
}

// Takes one cell off the line: its content goes to `text` (unquoted into `buffer` where needed). Says whether
// a delimiter followed. Throws Error without a place; the caller adds it.
bool take_cell(std::string_view& line, const CellSyntax& syntax, std::string& buffer,
               std::string_view& text) {
  const std::size_t first = line.find_first_not_of(syntax.delimiter == '\t' ? " " : " \t");
  if (first != line.npos && syntax.quotes.find(line[first]) != syntax.quotes.npos) {
    const char quote = line[first];
    buffer.clear();
    std::size_t i = first + 1;
    for (;; ++i) {
      if (i >= line.size()) fail("expected a closing {}, found the end of the line", quote);
      if (syntax.backslash_escapes && line[i] == '\\' && i + 1 < line.size()) {
        buffer += line[++i];
      } else if (line[i] != quote) {
        buffer += line[i];
      } else if (!syntax.backslash_escapes && i + 1 < line.size() && line[i + 1] == quote) {
        buffer += line[i++];
      } else {
        break;
      }
    }
    text = buffer;
    const std::size_t end = std::min(line.find(syntax.delimiter, i + 1), line.size());
    if (!trim(line.substr(i + 1, end - i - 1)).empty())
      fail("expected '{}' after a quoted cell, found '{}'", syntax.delimiter,
           line.substr(i + 1, end - i - 1));
    const bool more = end < line.size();
    line.remove_prefix(std::min(end + 1, line.size()));
    return more;
  }
  const std::size_t end = std::min(line.find(syntax.delimiter), line.size());
  text = trim(line.substr(0, end));
  const bool more = end < line.size();
  line.remove_prefix(std::min(end + 1, line.size()));
  return more;
}

// The float nearest to the decimal number that begins at `begin`; returns its end, or `begin` when there is
// none. Too large becomes infinity, too small zero, as a double cast to float would.
const char* parse_float(const char* begin, const char* end, float& value) {
  const char* digits = begin + (begin < end && *begin == '+' ? 1 : 0);
  const auto [stop, error] = std::from_chars(digits, end, value);
  if (error == std::errc::invalid_argument) return begin;
  if (error == std::errc::result_out_of_range) {
    double wide = 0;
    if (std::from_chars(digits, end, wide).ec == std::errc()) {
      value = static_cast<float>(wide);
    } else {
      const std::string_view written(digits, static_cast<std::size_t>(stop - digits));
      const bool tiny = written.find("e-") != written.npos || written.find("E-") != written.npos;
      value = tiny ? 0.0F : std::numeric_limits<float>::infinity();
    }
  }
  return stop;
}

// Class names of one chunk in order of appearance.
struct Vocabulary {
  std::vector<std::string> texts;
  std::size_t last = 0;

  std::int32_t number(std::string_view text) {
    if (last < texts.size() && texts[last] == text) return static_cast<std::int32_t>(last);
    last = static_cast<std::size_t>(std::find(texts.begin(), texts.end(), text) - texts.begin());
    if (last == texts.size()) {
      if (std::ssize(texts) >= kMaxClasses)
        fail("expected at most {} classes, found another: '{}'", kMaxClasses, text);
      texts.emplace_back(text);
    }
    return static_cast<std::int32_t>(last);
  }
};

struct Chunk {
  std::string_view text;
  Index first_line = 0, lines = 0;
  Index first_row = 0, rows = 0;
  Vocabulary vocabulary;
  std::string error;  // empty: none
};

std::vector<Chunk> cut_chunks(std::string_view text) {
  std::vector<Chunk> chunks;
  while (!text.empty()) {
    std::size_t length = std::min<std::size_t>(kChunkBytes, text.size());
    const std::size_t newline = text.find('\n', length - 1);
    length = newline == text.npos ? text.size() : newline + 1;
    chunks.emplace_back().text = text.substr(0, length);
    text.remove_prefix(length);
  }
  return chunks;
}

class RowParser {
 public:
  RowParser(const TextRows& rows, const Columns& columns, const LoadOptions& options, RawTable& table)
      : rows_(rows), keep_non_finite_(options.non_finite != NonFinite::error), table_(table) {
    place_.assign(static_cast<std::size_t>(rows.cells), kSkip);
    Index next = 0;
    for (const Index c : columns.features) place_[static_cast<std::size_t>(c)] = next++;
    table.features = next;
    for (const Index c : columns.labels)
      place_[static_cast<std::size_t>(c)] = columns.kind == LabelKind::index ? kText : next++;
    table.columns = next;
  }

  void parse(Chunk& chunk) const {
    std::string_view text = chunk.text;
    Index row = chunk.first_row;
    for (Index line = chunk.first_line; !text.empty(); ++line) {
      const std::string_view content = take_line(text);
      if (!is_row(content, rows_.syntax)) continue;
      try {
        parse_row(content, line, row++, chunk.vocabulary);
      } catch (const Error&) {
        check_count(content, line);  // a wrong number of cells explains more than what one of them holds
        throw;
      }
    }
  }

 private:
  static constexpr Index kSkip = -1, kText = -2;

  void parse_row(std::string_view line, Index number, Index row, Vocabulary& vocabulary) const {
    float* const values = table_.values.get() + row * table_.columns;
    std::string buffer;
    std::string_view cell;
    bool more = true;
    for (Index c = 0; c < rows_.cells; ++c) {
      if (!more) fail("too few cells");  // parse() says how many
      const Index place = place_[static_cast<std::size_t>(c)];
      if (place >= 0) {  // the usual case: a bare number up to the delimiter
        const char* const end = line.data() + line.size();
        const char* const stop = parse_float(line.data(), end, values[place]);
        if (stop != line.data() && (stop == end || *stop == rows_.syntax.delimiter) &&
            std::isfinite(values[place])) {
          more = stop != end;
          line.remove_prefix(static_cast<std::size_t>(stop - line.data()) + (more ? 1 : 0));
          continue;
        }
      }
      try {
        more = take_cell(line, rows_.syntax, buffer, cell);
        if (place == kText)
          table_.text_labels[static_cast<std::size_t>(row)] = is_missing(cell) ? -1 : vocabulary.number(cell);
      } catch (const Error& error) {
        fail("{}, line {}, column {}: {}", rows_.source, number, column_name(c), error.what());
      }
      if (place >= 0) values[place] = parse_cell(cell, number, c);
      if (place == kText && is_missing(cell) && !keep_non_finite_)
        fail("{}, line {}, column {}: expected a class, found '{}'", rows_.source, number, column_name(c),
             cell);
    }
    if (more) fail("too many cells");
  }

  float parse_cell(std::string_view cell, Index line, Index column) const {
    float value = std::numeric_limits<float>::quiet_NaN();
    const bool missing = is_missing(cell);
    if (!missing && parse_float(cell.data(), cell.data() + cell.size(), value) != cell.data() + cell.size())
      fail("{}, line {}, column {}: expected a number, found '{}'", rows_.source, line, column_name(column),
           cell);
    if (!std::isfinite(value) && !keep_non_finite_)
      fail("{}, line {}, column {}: expected a finite number, found '{}'", rows_.source, line,
           column_name(column), cell);
    return value;
  }

  void check_count(std::string_view line, Index number) const {
    std::string buffer;
    std::string_view cell;
    Index found = 0;
    try {
      for (bool more = true; more; ++found) more = take_cell(line, rows_.syntax, buffer, cell);
    } catch (const Error&) {
      return;  // a broken quote: the cells cannot be counted
    }
    if (found != rows_.cells)
      fail("{}, line {}, column {}: expected {} cells, found {}", rows_.source, number,
           std::min(found, rows_.cells) + 1, rows_.cells, found);
  }

  std::string column_name(Index c) const {
    if (rows_.names.empty()) return std::to_string(c + 1);
    return fmt::format("{} '{}'", c + 1, rows_.names[static_cast<std::size_t>(c)]);
  }

  const TextRows& rows_;
  bool keep_non_finite_;
  RawTable& table_;
  std::vector<Index> place_;  // of each cell of a row: a column of the table, or one of the constants
};

void count_rows(const TextRows& rows, std::vector<Chunk>& chunks, int threads) {
  parallel_for(threads, std::ssize(chunks), [&](Index i) {
    Chunk& chunk = chunks[static_cast<std::size_t>(i)];
    for (std::string_view text = chunk.text; !text.empty(); ++chunk.lines)
      chunk.rows += is_row(take_line(text), rows.syntax) ? 1 : 0;
  });
  Index row = 0, line = rows.first_line;
  for (Chunk& chunk : chunks) {
    chunk.first_row = row;
    chunk.first_line = line;
    row += chunk.rows;
    line += chunk.lines;
  }
}

// From each chunk's own numbers of the texts to numbers for the file, in order of appearance.
void merge_vocabularies(const std::vector<Chunk>& chunks, RawTable& table) {
  Vocabulary all;
  for (const Chunk& chunk : chunks) {
    std::vector<std::int32_t> numbers;
    for (const std::string& text : chunk.vocabulary.texts) numbers.push_back(all.number(text));
    for (Index r = chunk.first_row; r < chunk.first_row + chunk.rows; ++r) {
      std::int32_t& label = table.text_labels[static_cast<std::size_t>(r)];
      if (label >= 0) label = numbers[static_cast<std::size_t>(label)];
    }
  }
  table.texts = std::move(all.texts);
}

}  // namespace

std::vector<std::string> split_cells(std::string_view line, const CellSyntax& syntax,
                                     const std::string& where) {
  std::vector<std::string> cells;
  std::string buffer;
  std::string_view cell;
  for (bool more = true; more;) {
    try {
      more = take_cell(line, syntax, buffer, cell);
    } catch (const Error& error) {
      fail("{}, column {}: {}", where, cells.size() + 1, error.what());
    }
    cells.emplace_back(cell);
  }
  return cells;
}

bool is_number(std::string_view cell) {
  float value = 0;
  return !cell.empty() &&
         parse_float(cell.data(), cell.data() + cell.size(), value) == cell.data() + cell.size();
}

bool is_missing(std::string_view cell) {
  for (const std::string_view word : {"", "?", "NA", "N/A", "null"})
    if (cell == word) return true;
  return false;
}

RawTable read_rows(const TextRows& rows, const Columns& columns, const LoadOptions& options) {
  std::vector<Chunk> chunks = cut_chunks(rows.text);
  count_rows(rows, chunks, options.threads);
  RawTable table;
  table.source = rows.source;
  table.kind = columns.kind;
  const RowParser parser(rows, columns, options, table);
  if (!chunks.empty()) table.rows = chunks.back().first_row + chunks.back().rows;
  table.values = make_large<float>(table.rows * table.columns);
  if (columns.kind == LabelKind::index) table.text_labels.assign(static_cast<std::size_t>(table.rows), -1);
  for (const std::vector<Index>* list : {&columns.features, &columns.labels})
    for (const Index c : *list)
      if (!rows.names.empty() && std::ssize(table.names) < table.columns)
        table.names.push_back(rows.names[static_cast<std::size_t>(c)]);

  std::int64_t done = 0;
  const Index group = 8 * options.threads;  // chunks between two reports of progress
  for (Index begin = 0; begin < std::ssize(chunks); begin += group) {
    const Index end = std::min(begin + group, std::ssize(chunks));
    parallel_for(options.threads, end - begin, [&](Index i) {
      Chunk& chunk = chunks[static_cast<std::size_t>(begin + i)];
      try {
        parser.parse(chunk);
      } catch (const std::exception& error) {
        chunk.error = error.what();
      }
    });
    for (Index i = begin; i < end; ++i) {
      const Chunk& chunk = chunks[static_cast<std::size_t>(i)];
      if (!chunk.error.empty()) throw Error(chunk.error);
      done += std::ssize(chunk.text);
    }
    if (options.progress) options.progress(done, std::ssize(rows.text));
  }
  if (columns.kind == LabelKind::index) merge_vocabularies(chunks, table);
  return table;
}

}  // namespace jsc
