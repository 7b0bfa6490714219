#include "apps/settings/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/error.hpp"
#include "engine/nearest.hpp"

namespace jsc {

namespace {

std::string flag_of(std::string key) {
  std::ranges::replace(key, '_', '-');
  return "--" + key;
}

std::string show(const Settings::Target& target) {
  return std::visit([](const auto* value) { return fmt::format("{}", *value); }, target);
}

// What stands for the value in the help.
const char* placeholder(const Settings::Target& target) {
  if (std::holds_alternative<std::int64_t*>(target)) return "N";
  return std::holds_alternative<double*>(target) ? "X" : "TEXT";
}

std::string show_range(const Settings::Range& r) {
  const bool high = std::isfinite(r.high), low = std::isfinite(r.low);
  if (low && high && !r.open_low && !r.open_high) return fmt::format(" from {} to {}", r.low, r.high);
  std::string text;
  if (low) text += fmt::format(" {} {}", r.open_low ? "above" : "of at least", r.low);
  if (high) text += fmt::format("{} {} {}", low ? " and" : "", r.open_high ? "below" : "at most", r.high);
  return text;
}

template <class T>
bool parse_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

// A scalar of the config file as the text a flag would have.
std::string scalar_text(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto integer = node.value_exact<std::int64_t>()) return fmt::format("{}", *integer);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const toml::array* array = node.as_array()) {
    std::vector<std::string> parts;
    for (const toml::node& part : *array) {
      if (part.is_array()) fail("{}: expected a list of values, found a list in it", where);
      parts.push_back(scalar_text(part, where));
    }
    return fmt::format("{}", fmt::join(parts, ","));
  }
  fail("{}: expected a string, a number, true or false", where);
}

toml::table parse_config(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    if (error.source().begin.line == 0) fail("config '{}': {}", path, error.description());
    fail("config '{}', line {}: {}", path, error.source().begin.line, error.description());
  }
}

std::string place_of(const std::string& path, std::string_view key, const toml::node& node) {
  return fmt::format("config '{}', line {}: '{}'", path, node.source().begin.line, key);
}

}  // namespace

Settings& Settings::add(std::string key, Target target, std::string help) {
  Entry entry;
  entry.key = std::move(key);
  entry.help = std::move(help);
  entry.default_text = show(target);
  entry.target = target;
  entries_.push_back(std::move(entry));
  return *this;
}

Settings& Settings::range(double low, double high) {
  return range(Range{low, high});
}

Settings& Settings::range(Range range) {
  entries_.back().ranges = {range};
  return *this;
}

Settings& Settings::choices(std::vector<std::string> choices) {
  entries_.back().choices = std::move(choices);
  return *this;
}

Settings& Settings::alias(std::string config_key) {
  entries_.back().aliases.push_back(std::move(config_key));
  return *this;
}

Settings& Settings::array() {
  entries_.back().takes_array = true;
  return *this;
}

Settings& Settings::positional() {
  entries_.back().is_positional = true;
  return *this;
}

void Settings::add_flags(CLI::App& app) {
  for (Entry& entry : entries_) {
    std::string help = entry.help;
    if (!entry.choices.empty()) help += fmt::format(": {}", fmt::join(entry.choices, ", "));
    const bool is_flag = std::holds_alternative<bool*>(entry.target);
    if (!entry.default_text.empty() && !is_flag) help += fmt::format(" [{}]", entry.default_text);
    const std::string flag = (entry.is_positional ? entry.key + "," : "") + flag_of(entry.key);
    if (is_flag) {
      const bool on = *std::get<bool*>(entry.target);
      const std::string off_flag = "--no-" + flag.substr(2);
      int& given = flag_counts_[entry.key];
      if (on) help += fmt::format(" [on; off: {}]", off_flag);
      app.add_flag_callback(
          flag, [&given] { given = 1; }, help);
      app.add_flag_callback(
             off_flag, [&given] { given = -1; }, "")
          ->group("");  // not listed: twice as long
    } else {
      // One value a flag: what follows is the next argument, not another value.
      app.add_option(flag, entry.flag_text, help)
          ->type_name(entry.is_list ? "LIST" : placeholder(entry.target))
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
}

void add_text_option(CLI::App& app, const std::string& flag, std::string& text, const std::string& help) {
  app.add_option(flag, text, help)->type_name("")->check([](const std::string& value) {
    return value.empty() ? "expected a value, found none" : "";
  });
}

Settings::Entry* Settings::find(std::string_view key) {
  for (Entry& entry : entries_)
    if (entry.key == key || std::ranges::find(entry.aliases, key) != entry.aliases.end()) return &entry;
  return nullptr;
}

std::vector<std::string> Settings::read_config(const std::string& path,
                                               const std::vector<std::string>& tables,
                                               const std::vector<std::string>& unused) {
  const toml::table config = parse_config(path);
  has_config_ = true;
  std::vector<std::pair<toml::source_index, std::string>> found_unused;
  for (const auto& [key, node] : config) {
    const std::string where = place_of(path, key.str(), node);
    if (node.is_table() && std::ranges::find(tables, key.str()) != tables.end()) continue;
    Entry* entry = find(key.str());
    if (entry == nullptr && std::ranges::find(unused, key.str()) != unused.end()) {
      found_unused.emplace_back(key.source().begin.line, key.str());
      continue;
    }
    if (entry == nullptr) {
      std::vector<std::string_view> known(unused.begin(), unused.end());
      for (const Entry& e : entries_) known.push_back(e.key);
      fail("{} is not a setting{}", where, suggestion(key.str(), known));
    }
    if (node.value_exact<std::string>() == "NA") continue;
    if (entry->in_config) fail("{} is set twice ('{}')", where, entry->key);
    entry->config_text = config_text(*entry, node, where);
    entry->config_where = where;
    entry->in_config = true;
  }
  std::ranges::sort(found_unused);
  std::vector<std::string> keys;
  for (auto& [line, key] : found_unused) keys.push_back(std::move(key));
  return keys;
}

// A value of another type is most likely a mistake about what the setting is, even where its text would do.
std::string Settings::config_text(const Entry& entry, const toml::node& node, const std::string& where) {
  static constexpr const char* kExpected[] = {"a string", "an integer", "a number", "true or false"};
  const std::size_t kind = entry.target.index();
  const bool is_kind[] = {node.is_string(), node.is_integer(), node.is_number(), node.is_boolean()};
  if (!node.is_table() && (entry.is_list || (node.is_array() ? entry.takes_array : is_kind[kind])))
    return scalar_text(node, where);
  const std::string found = node.is_table()   ? "a table"
                            : node.is_array() ? "a list"
                                              : fmt::format("{}'{}'", node.is_string() ? "the string " : "",
                                                            scalar_text(node, where));
  const std::string range = entry.ranges.empty() ? "" : show_range(entry.ranges[0]);
  fail("{}: expected {}{}, found {}", where, kExpected[kind], range, found);
}

bool Settings::is_set(std::string_view key) const {
  const Entry& e = entry(key);
  return e.in_config || !e.flag_text.empty();
}

void Settings::inherit(const std::string& path, const std::vector<std::string>& keys) {
  const toml::table config = parse_config(path);
  for (const std::string& key : keys) {
    const toml::node* node = config.get(key);
    if (node == nullptr || is_set(key)) continue;
    const std::string where = place_of(path, key, *node);
    set(key, config_text(entry(key), *node, where), where);
  }
}

void Settings::assign(const Entry& entry, const std::string& text, const std::string& where) {
  const std::string range = entry.ranges.empty() ? "" : show_range(entry.ranges[0]);
  const auto check_range = [&](double value) {
    if (entry.ranges.empty()) return;
    const Range& r = entry.ranges[0];
    const bool low_ok = r.open_low ? value > r.low : value >= r.low;
    const bool high_ok = r.open_high ? value < r.high : value <= r.high;
    if (!low_ok || !high_ok) fail("{}: expected a number{}, found {}", where, range, text);
  };
  if (std::string* const* target = std::get_if<std::string*>(&entry.target)) {
    if (!entry.choices.empty() && std::ranges::find(entry.choices, text) == entry.choices.end()) {
      const std::vector<std::string_view> known(entry.choices.begin(), entry.choices.end());
      fail("{}: expected one of {}, found '{}'{}", where, fmt::join(entry.choices, ", "), text,
           nearest(text, known).empty() ? "" : suggestion(text, known));
    }
    **target = text;
  } else if (std::int64_t* const* integer = std::get_if<std::int64_t*>(&entry.target)) {
    std::int64_t value = 0;
    if (!parse_number(text, value)) fail("{}: expected an integer{}, found '{}'", where, range, text);
    check_range(static_cast<double>(value));
    **integer = value;
  } else if (double* const* number = std::get_if<double*>(&entry.target)) {
    double value = 0;
    if (!parse_number(text, value) || !std::isfinite(value))
      fail("{}: expected a number{}, found '{}'", where, range, text);
    check_range(value);
    **number = value;
  } else {
    if (text != "true" && text != "false") fail("{}: expected true or false, found '{}'", where, text);
    *std::get<bool*>(entry.target) = text == "true";
  }
}

void Settings::resolve() {
  for (Entry& entry : entries_) {
    if (entry.in_config) assign(entry, entry.config_text, entry.config_where);
    if (const auto count = flag_counts_.find(entry.key); count != flag_counts_.end() && count->second != 0)
      entry.flag_text = {count->second > 0 ? "true" : "false"};
    if (entry.flag_text.empty()) continue;
    if (entry.is_list && entry.flag_text.size() > 1)
      fail("{}: given {} times; the values of a list stand together, as in {} {}", flag_of(entry.key),
           entry.flag_text.size(), flag_of(entry.key), fmt::join(entry.flag_text, ","));
    // Most likely a variable of a script that is not set: the default would be another command.
    if (entry.flag_text.back().empty()) fail("{}: expected a value, found none", flag_of(entry.key));
    assign(entry, entry.flag_text.back(), flag_of(entry.key));
  }
}

const Settings::Entry& Settings::entry(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  JSC_ASSERT(found != entries_.end());
  return *found;
}

void Settings::set(std::string_view key, const std::string& text, const std::string& where) {
  assign(entry(key), text, where);
}

Settings::Kind Settings::kind(std::string_view key) const {
  return static_cast<Kind>(entry(key).target.index());
}

Settings Settings::list_form(std::map<std::string, std::string>& texts,
                             const std::vector<std::string>& unchanged) const {
  Settings form;
  for (const Entry& e : entries_) {
    form.entries_.push_back(e);
    if (std::ranges::find(unchanged, e.key) != unchanged.end()) continue;
    Entry& entry = form.entries_.back();
    if (!e.choices.empty()) entry.help += fmt::format(": {}", fmt::join(e.choices, ", "));
    texts[e.key] = show(e.target);
    entry.target = &texts[e.key];
    entry.default_text = texts[e.key];
    entry.is_list = true;
    entry.choices.clear();
    entry.ranges.clear();
  }
  return form;
}

std::vector<std::string> Settings::given_flags() const {
  std::vector<std::string> keys;
  for (const Entry& entry : entries_)
    if (!entry.flag_text.empty()) keys.push_back(entry.key);
  return keys;
}

std::vector<Settings::Row> Settings::rows() const {
  std::vector<Row> rows;
  for (const Entry& e : entries_) {
    const bool by_flag = !e.flag_text.empty();
    rows.push_back({e.key, e.default_text, e.config_text, by_flag ? e.flag_text.back() : "", show(e.target),
                    by_flag       ? flag_of(e.key)
                    : e.in_config ? e.config_where
                                  : e.key});
  }
  return rows;
}

std::string toml_string(const std::string& text) {
  std::ostringstream quoted;
  quoted << toml::value<std::string>(text);
  return quoted.str();
}

std::string Settings::to_toml() const {
  std::string text;
  for (const Entry& entry : entries_) {
    text += entry.key + " = ";
    const auto* target = std::get_if<std::string*>(&entry.target);
    text += (target != nullptr ? toml_string(**target) : show(entry.target)) + '\n';
  }
  return text;
}

}  // namespace jsc
