#include "graph/metadata.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "engine/error.hpp"

namespace jsc {

namespace {

std::string python_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// Double quotes where the text has single quotes and no double ones, as Python's repr.
std::string python_string(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos,
             has_double = text.find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string quoted(1, quote);
  for (char c : text) {
    if (c == '\\' || c == quote) quoted += '\\';
    quoted += c;
  }
  return quoted + quote;
}

std::vector<std::string> sorted_keys(const MetaValue& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  std::ranges::sort(keys);
  return keys;
}

// On one line, as Python's repr with sorted keys.
std::string on_one_line(const MetaValue& value) {
  std::string text;
  switch (value.type()) {
    case MetaValue::value_t::object:
      for (const std::string& key : sorted_keys(value))
        text += (text.empty() ? "" : ", ") + python_string(key) + ": " + on_one_line(value[key]);
      return "{" + text + "}";
    case MetaValue::value_t::array:
      for (const MetaValue& element : value) text += (text.empty() ? "" : ", ") + on_one_line(element);
      return "[" + text + "]";
    case MetaValue::value_t::string:
      return python_string(value.get<std::string>());
    case MetaValue::value_t::boolean:
      return value.get<bool>() ? "True" : "False";
    case MetaValue::value_t::number_float:
      return python_number(value.get<double>());
    case MetaValue::value_t::null:
      return "None";
    default:
      return value.dump();
  }
}

// `indent` columns are used before the value, `after` characters must still follow on its last line.
std::string broken(const MetaValue& value, std::size_t indent, std::size_t after, std::size_t width) {
  std::string line = on_one_line(value);
  if (indent + line.size() + after <= width || !value.is_structured() || value.empty()) return line;
  const std::string margin(indent + 1, ' ');
  std::vector<std::string> parts;
  const std::size_t count = value.size();
  const auto rest = [&] { return parts.size() + 1 == count ? after + 1 : 1; };  // the bracket, or a comma
  if (value.is_object()) {
    for (const std::string& key : sorted_keys(value)) {
      const std::string head = python_string(key) + ": ";
      parts.push_back(head + broken(value[key], indent + 1 + head.size(), rest(), width));
    }
  } else {
    for (const MetaValue& element : value) parts.push_back(broken(element, indent + 1, rest(), width));
  }
  std::string text = value.is_object() ? "{" : "[";
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ",\n" + margin) + parts[i];
  return text + (value.is_object() ? "}" : "]");
}

toml::table table_of(const MetaValue& object);

void insert(toml::array& array, const MetaValue& value);

template <class Insert>
void convert(const MetaValue& value, const Insert& put) {
  switch (value.type()) {
    case MetaValue::value_t::object:
      put(table_of(value));
      break;
    case MetaValue::value_t::array: {
      toml::array array;
      for (const MetaValue& element : value) insert(array, element);
      put(std::move(array));
      break;
    }
    case MetaValue::value_t::string:
      put(value.get<std::string>());
      break;
    case MetaValue::value_t::boolean:
      put(value.get<bool>());
      break;
    case MetaValue::value_t::number_float:
      put(value.get<double>());
      break;
    case MetaValue::value_t::null:
      put(std::string("NA"));
      break;
    default:
      put(value.get<std::int64_t>());
  }
}

void insert(toml::array& array, const MetaValue& value) {
  convert(value, [&](auto&& node) { array.push_back(std::forward<decltype(node)>(node)); });
}

toml::table table_of(const MetaValue& object) {
  toml::table table;
  for (const auto& [key, value] : object.items())
    convert(value, [&, &name = key](auto&& node) { table.insert(name, std::forward<decltype(node)>(node)); });
  return table;
}

MetaValue value_of(const toml::node& node) {
  if (const toml::table* table = node.as_table()) {
    MetaValue object = MetaValue::object();
    // In the order of the text: the library sorts by key.
    std::vector<std::pair<toml::source_position, std::string>> order;
    for (const auto& [key, value] : *table) order.emplace_back(key.source().begin, std::string(key.str()));
    std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& entry : order) object[entry.second] = value_of(*table->get(entry.second));
    return object;
  }
  if (const toml::array* array = node.as_array()) {
    MetaValue list = MetaValue::array();
    for (const toml::node& element : *array) list.push_back(value_of(element));
    return list;
  }
  if (const auto text = node.value_exact<std::string>())
    return *text == "NA" ? MetaValue(nullptr) : MetaValue(*text);
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto integer = node.value_exact<std::int64_t>()) return *integer;
  if (const auto number = node.value_exact<double>()) return *number;
  fail("line {}: dates and times have no meaning here", node.source().begin.line);
}

}  // namespace

std::string python_text(const MetaValue& value, int width) {
  return broken(value, 0, 0, static_cast<std::size_t>(width));
}

std::string metadata_to_toml(const MetaValue& value) {
  if (!value.is_object()) fail("metadata: only a table can be written as TOML, found {}", value.type_name());
  std::ostringstream text;
  text << table_of(value) << '\n';
  return text.str();
}

MetaValue metadata_from_toml(const std::string& text, const std::string& where) {
  try {
    return value_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    fail("{}, line {}: {}", where, error.source().begin.line, error.description());
  } catch (const Error& error) {
    fail("{}, {}", where, error.what());
  }
}

}  // namespace jsc
