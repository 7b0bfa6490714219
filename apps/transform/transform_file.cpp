#include "apps/transform/transform_file.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "apps/support/mapped_file.hpp"

namespace jsc {

namespace {

// Where the file names each pass first.
std::vector<std::pair<std::string, toml::source_index>> lines_of_passes(const std::string& text) {
  std::vector<std::pair<std::string, toml::source_index>> lines;
  const toml::table config = toml::parse(text);  // it parsed before
  for (const auto& [key, node] : *config["passes"].as_table())
    lines.emplace_back(key.str(), key.source().begin.line);
  return lines;
}

bool is_bare(const std::string& key) {
  return !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

std::string key_text(const std::string& key) {
  return is_bare(key) ? key : MetaValue(key).dump();
}

// A value on one line. JSON's strings and numbers are TOML's, too.
std::string inline_value(const MetaValue& value) {
  std::string text;
  if (value.is_null()) return "\"NA\"";
  if (value.is_array()) {
    for (const MetaValue& element : value) text += (text.empty() ? "" : ", ") + inline_value(element);
    return "[" + text + "]";
  }
  if (value.is_object()) {
    for (const auto& [key, element] : value.items())
      text += (text.empty() ? " " : ", ") + key_text(key) + " = " + inline_value(element);
    return "{" + text + (text.empty() ? "}" : " }");
  }
  return value.dump();
}

// [path] with its plain values, then its tables, each in the order of `table`.
void append_table(std::string& out, const std::string& path, const MetaValue& table) {
  std::string plain, tables;
  for (const auto& [key, value] : table.items()) {
    if (value.is_object())
      append_table(tables, path + "." + key_text(key), value);
    else
      plain += key_text(key) + " = " + inline_value(value) + "\n";
  }
  if (!plain.empty() || tables.empty()) out += "\n[" + path + "]\n";
  out += plain + tables;
}

}  // namespace

std::vector<PassCall> read_config_with_passes(Settings& settings, const std::string& path,
                                              std::vector<std::string> ignored) {
  ignored.emplace_back("passes");
  settings.read_config(path, ignored);
  const MetaValue config =
      metadata_from_toml(std::string(MappedFile(path).bytes()), fmt::format("config '{}'", path));
  return config.contains("passes") ? read_passes(path) : std::vector<PassCall>();
}

std::vector<PassCall> read_passes(const std::string& path, const std::vector<Pass>& passes) {
  const std::string file = fmt::format("config '{}'", path);
  const std::string text(MappedFile(path).bytes());
  const MetaValue config = metadata_from_toml(text, file);
  if (!config.contains("passes") || !config["passes"].is_object() || config["passes"].empty())
    fail("{}: expected [passes.NAME] tables (jsc-train passes lists the names), found none", file);

  std::vector<PassCall> calls;
  const auto lines = lines_of_passes(text);
  for (const auto& [name, options] : config["passes"].items()) {
    const auto line = std::ranges::find(lines, name, [](const auto& entry) { return entry.first; });
    PassCall call;
    call.where = fmt::format("{}, line {}", file, line->second);
    try {
      if (!options.is_object()) fail("passes.{} should be a table, found {}", name, options.dump());
      call.pass = &find_pass(name, passes);
      call.options = complete_options(*call.pass, options);
    } catch (const Error& error) {
      fail("{}: {}", call.where, error.what());
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

std::string passes_to_toml(const std::vector<PassCall>& calls) {
  std::string text;
  for (const PassCall& call : calls)
    append_table(text, "passes." + std::string(call.pass->name), call.options);
  return text;
}

}  // namespace jsc
