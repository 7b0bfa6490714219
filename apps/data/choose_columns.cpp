// Which columns of a file are features and which hold the label.
#include <algorithm>
#include <cctype>
#include <optional>

#include "apps/data/table.hpp"

namespace jsc {

std::string_view plain_name(std::string_view name) {
  return name.starts_with("j_") && name.size() > 2 ? name.substr(2) : name;
}

std::string list_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 24;
  std::string list =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + std::min(names.size(), kShown), ", "));
  return names.size() > kShown ? list + ", ..." : list;
}

namespace {

std::optional<Index> find_name(const std::vector<std::string>& names, std::string_view wanted) {
  const auto same = [&](const std::string& name) { return plain_name(name) == plain_name(wanted); };
  const auto found = std::find_if(names.begin(), names.end(), same);
  if (found == names.end()) return std::nullopt;
  return found - names.begin();
}

Index column_of(const std::string& source, const std::vector<std::string>& names, std::string_view wanted) {
  if (names.empty()) fail("{}: expected named columns to find '{}', found none", source, wanted);
  const auto found = find_name(names, wanted);
  if (!found) fail("{}: expected a column '{}', found {}", source, wanted, list_names(names));
  return *found;
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

bool is_label_name(std::string_view name) {
  std::string lower(plain_name(name));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == "class" || lower == "label" || lower == "labels" || lower == "target" || lower == "y";
}

// In this order: what the caller names; a column called like a label; the only column of text; one-hot
// columns called like the classes expected; else the values decide.
Columns choose_labels(const std::string& source, const std::vector<std::string>& names, Index count,
                      const std::vector<bool>& is_text, const LoadOptions& options) {
  Columns columns;
  if (!options.label.empty()) {
    for (const std::string& name : split_list(options.label))
      columns.labels.push_back(column_of(source, names, name));
    columns.kind = columns.labels.size() == 1 ? LabelKind::index : LabelKind::one_hot;
    return columns;
  }
  const auto wanted = [&](Index c) {
    return !names.empty() && find_name(options.feature_names, names[static_cast<std::size_t>(c)]).has_value();
  };
  columns.kind = LabelKind::index;
  for (Index c = 0; c < std::ssize(names); ++c)
    if (is_label_name(names[static_cast<std::size_t>(c)]) && !wanted(c)) {
      columns.labels = {c};
      return columns;
    }
  if (std::count(is_text.begin(), is_text.end(), true) == 1) {
    columns.labels = {std::find(is_text.begin(), is_text.end(), true) - is_text.begin()};
    return columns;
  }
  columns.kind = LabelKind::one_hot;
  for (const std::string& name : options.class_order)
    if (const auto found = find_name(names, name)) columns.labels.push_back(*found);
  if (columns.labels.size() >= 2 && columns.labels.size() == options.class_order.size()) return columns;

  columns.kind = LabelKind::detect;
  columns.labels.clear();
  const bool skip_text = !options.feature_names.empty();  // else text is refused where it stands, by line
  for (Index c = 0; c < count; ++c)
    if (!wanted(c) && !(skip_text && !is_text.empty() && is_text[static_cast<std::size_t>(c)]))
      columns.labels.push_back(c);
  return columns;
}

}  // namespace

Columns choose_columns(const std::string& source, const std::vector<std::string>& names, Index count,
                       const std::vector<bool>& is_text, const LoadOptions& options) {
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted, [](const std::string& a, const std::string& b) {
    return a == b && !a.empty();  // columns without a name are not looked for by it
  });
  if (twice != sorted.end())
    fail("{}: expected different names of columns, found '{}' twice", source, *twice);
  Columns columns = choose_labels(source, names, count, is_text, options);
  if (!options.feature_names.empty() && !names.empty()) {
    for (const std::string& name : options.feature_names)
      columns.features.push_back(column_of(source, names, name));
    if (columns.kind == LabelKind::detect && columns.labels.empty()) columns.kind = LabelKind::none;
  } else if (columns.kind != LabelKind::detect) {
    for (Index c = 0; c < count; ++c)
      if (std::find(columns.labels.begin(), columns.labels.end(), c) == columns.labels.end())
        columns.features.push_back(c);
  }
  return columns;
}

}  // namespace jsc
