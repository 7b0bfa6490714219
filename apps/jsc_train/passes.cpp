// jsc-train passes: what can stand in a transform's file.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "apps/jsc_train/commands.hpp"
#include "apps/report/table.hpp"
#include "apps/transform/pass_list.hpp"
#include "graph/statistics/statistic.hpp"

namespace jsc {

namespace {

std::string_view kind_name(PassKind kind) {
  return kind == PassKind::analysis ? "analysis" : "transform";
}

MetaValue to_json(std::span<const PassOption> options) {
  MetaValue list = MetaValue::array();
  for (const PassOption& option : options) {
    MetaValue entry = {
        {"key", option.key}, {"type", option.kind}, {"required", option.default_value.empty()}};
    if (!option.default_value.empty()) entry["default"] = MetaValue::parse(option.default_value);
    entry["about"] = option.about;
    list.push_back(std::move(entry));
  }
  return list;
}

MetaValue to_json(const Pass& pass) {
  MetaValue entry = {{"pass", pass.name},
                     {"kind", kind_name(pass.kind)},
                     {"about", pass.about},
                     {"options", to_json(pass.options)}};
  if (pass.name == "profile_statistics")
    for (const StatisticKind& kind : statistic_kinds())
      entry["statistics"][std::string(kind.name)] = to_json(kind.options);
  return entry;
}

// As it is written in the file.
std::string default_of(const PassOption& option) {
  if (option.default_value.empty()) return "(required)";
  return option.default_value == "null" ? "\"NA\"" : std::string(option.default_value);
}

void add_rows(Table& table, std::string_view name, std::span<const PassOption> options,
              std::string_view about) {
  if (!about.empty() || options.empty()) table.add_row({std::string(name), "", "", "", std::string(about)});
  bool first = about.empty();
  for (const PassOption& option : options) {
    table.add_row({first ? std::string(name) : "", std::string(option.key), std::string(option.kind),
                   default_of(option), std::string(option.about)});
    first = false;
  }
}

struct PassesCommand {
  std::string name;
  bool json = false;

  int run() const {
    std::vector<const Pass*> chosen;
    for (const Pass& pass : available_passes())
      if (name.empty() || &pass == &find_pass(name)) chosen.push_back(&pass);
    if (!name.empty()) find_pass(name);  // tells of a name that does not exist
    return json ? print_json(chosen) : print_tables(chosen);
  }

 private:
  int print_json(const std::vector<const Pass*>& passes) const {
    MetaValue result = MetaValue::array();
    for (const Pass* pass : passes) result.push_back(to_json(*pass));
    fmt::print("{}\n", (name.empty() ? result : result[0]).dump(2));
    return 0;
  }

  int print_tables(const std::vector<const Pass*>& passes) const {
    Table table({"Pass", "Option", "Type", "Default", "Meaning"});
    for (const Pass* pass : passes)
      add_rows(table, pass->name, pass->options, fmt::format("{}: {}", kind_name(pass->kind), pass->about));
    fmt::print("{}", table.to_terminal());
    if (name.empty())
      fmt::print(
          "jsc-train passes NAME shows one pass; profile_statistics with its statistics. An option is a key "
          "of\n"
          "[passes.NAME] in the file of jsc-train transform.\n");
    if (name != "profile_statistics") return 0;
    Table statistics({"Statistic", "Option", "Type", "Default", "Meaning"});
    for (const StatisticKind& kind : statistic_kinds()) add_rows(statistics, kind.name, kind.options, "");
    fmt::print("{}", statistics.to_terminal());
    return 0;
  }
};

}  // namespace

Action add_passes(CLI::App& root) {
  CLI::App* app = root.add_subcommand("passes", "list the passes with their options, or show one");
  auto command = std::make_shared<PassesCommand>();
  app->add_option("name", command->name, "pass to show")->type_name("");
  app->add_flag("--json", command->json, "print one JSON value");
  return [command] { return command->run(); };
}

}  // namespace jsc
