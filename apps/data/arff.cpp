// ARFF as OpenML writes it: @RELATION, @ATTRIBUTE name type, @DATA, then rows as in CSV. Lines that begin
// with % are comments. The values of a nominal label attribute give the classes and their order.
#include <algorithm>
#include <cctype>

#include "apps/data/cells.hpp"
#include "apps/data/readers.hpp"
#include "apps/support/mapped_file.hpp"

namespace jsc {

namespace {

constexpr CellSyntax kSyntax = {',', "'\"", '%', true};

struct Attribute {
  std::string name;
  bool nominal = false;
  std::vector<std::string> values;  // of a nominal attribute
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trim_left(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

// The first word, or quoted name, of the text; removes it.
std::string take_word(std::string_view& text, const std::string& where) {
  text = trim_left(text);
  std::string word;
  if (!text.empty() && kSyntax.quotes.find(text.front()) != kSyntax.quotes.npos) {
    const char quote = text.front();
    std::size_t i = 1;
    for (; i < text.size() && text[i] != quote; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      word += text[i];
    }
    if (i >= text.size()) fail("{}: expected a closing {}, found the end of the line", where, quote);
    text.remove_prefix(i + 1);
    return word;
  }
  const std::size_t end = std::min(text.find_first_of(" \t{"), text.size());
  word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

Attribute parse_attribute(std::string_view line, const std::string& where) {
  Attribute attribute;
  attribute.name = take_word(line, where);
  line = trim_left(line);
  if (line.starts_with('{')) {
    const std::size_t close = line.rfind('}');
    if (close == line.npos) fail("{}: expected a closing }}, found the end of the line", where);
    attribute.nominal = true;
    attribute.values = split_cells(line.substr(1, close - 1), kSyntax, where);
    return attribute;
  }
  const std::string type = lower(take_word(line, where));
  if (type != "numeric" && type != "real" && type != "integer" && type != "string")
    fail("{}: expected the type numeric, real, integer, string or {{...}}, found '{}'", where, type);
  attribute.nominal = type == "string";
  return attribute;
}

}  // namespace

Dataset read_arff(const std::string& path, const LoadOptions& options) {
  const MappedFile file(path);
  TextRows rows;
  rows.source = path;
  rows.syntax = kSyntax;
  rows.text = file.bytes();
  std::vector<Attribute> attributes;
  bool in_data = false;
  while (!in_data) {
    if (rows.text.empty()) fail("{}: expected a line @DATA, found the end of the file", path);
    const std::string where = fmt::format("{}, line {}", path, rows.first_line++);
    std::string_view line = take_line(rows.text);
    if (!is_row(line, kSyntax)) continue;
    const std::string keyword = lower(take_word(line, where));
    if (keyword == "@attribute")
      attributes.push_back(parse_attribute(line, where));
    else if (keyword == "@data")
      in_data = true;
    else if (keyword != "@relation")
      fail("{}: expected @RELATION, @ATTRIBUTE or @DATA, found '{}'", where, keyword);
  }
  if (attributes.empty()) fail("{}: expected @ATTRIBUTE lines before @DATA, found none", path);

  std::string_view probe = rows.text;
  for (Index line = rows.first_line; !probe.empty(); ++line) {
    const std::string_view row = take_line(probe);
    if (!is_row(row, kSyntax)) continue;
    if (trim_left(row).starts_with('{'))
      fail("{}, line {}: expected cells between commas, found a sparse row {{...}}, which is not read", path,
           line);
    break;
  }
  std::vector<bool> is_text;
  for (const Attribute& attribute : attributes) {
    rows.names.push_back(attribute.name);
    is_text.push_back(attribute.nominal);
  }
  rows.cells = std::ssize(attributes);
  const Columns columns = choose_columns(path, rows.names, rows.cells, is_text, options);
  LoadOptions with_order = options;
  if (options.class_order.empty() && columns.kind == LabelKind::index)
    with_order.class_order = attributes[static_cast<std::size_t>(columns.labels.front())].values;
  return make_dataset(read_rows(rows, columns, options), with_order);
}

}  // namespace jsc
