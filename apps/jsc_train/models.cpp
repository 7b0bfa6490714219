// jsc-train models: what can be trained.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/jsc_train/commands.hpp"
#include "apps/models/model.hpp"
#include "apps/report/format.hpp"
#include "apps/report/table.hpp"

namespace jsc {

namespace {

struct ModelsCommand {
  std::string model;
  std::int64_t features = 16, classes = 5;
  bool toml = false, json = false;

  int run() const {
    if (model.empty()) return list();
    const ModelDescription description = find_model(model);
    if (toml) {
      fmt::print("{}", description.toml);
      return 0;
    }
    return show(build_model(description, features, classes), description);
  }

 private:
  int list() const {
    nlohmann::json result = nlohmann::json::array();
    Table table({"Model", "Parameters", "Modules", "About"},
                {Align::left, Align::right, Align::right, Align::left});
    for (const ZooEntry& entry : zoo()) {
      const Graph graph = build_model({std::string(entry.name), std::string(entry.toml)}, features, classes);
      table.add_row({std::string(entry.name), format_count(graph.parameter_count()),
                     std::to_string(graph.modules.size()), std::string(entry.about)});
      result.push_back({{"model", entry.name},
                        {"parameters", graph.parameter_count()},
                        {"modules", graph.modules.size()}});
    }
    if (json)
      fmt::print("{}\n", result.dump(2));
    else
      fmt::print(
          "{}jsc-train models NAME shows the layers; --toml prints them as a file to start your own from.\n",
          table.to_terminal());
    return 0;
  }

  int show(const Graph& graph, const ModelDescription& description) const {
    nlohmann::json layers = nlohmann::json::array();
    Table table({"Node", "Module", "Outputs", "Parameters"},
                {Align::left, Align::left, Align::right, Align::right});
    for (const Node& node : graph.nodes) {
      const Module* module = graph.module_of(node);
      Index parameters = 0;
      if (module != nullptr)
        for (const Parameter& p : module->parameters()) parameters += p.rows() * p.cols();
      const std::string what = module != nullptr ? module->describe() : node.target;
      table.add_row({node.name, what, std::to_string(node.features), format_count(parameters)});
      layers.push_back(
          {{"node", node.name}, {"module", what}, {"outputs", node.features}, {"parameters", parameters}});
    }
    if (json)
      fmt::print("{}\n",
                 nlohmann::json{
                     {"model", description.name}, {"parameters", graph.parameter_count()}, {"nodes", layers}}
                     .dump(2));
    else
      fmt::print("{}: {} parameters\n{}", description.name, format_count(graph.parameter_count()),
                 table.to_terminal());
    return 0;
  }
};

}  // namespace

Action add_models(CLI::App& root) {
  CLI::App* app = root.add_subcommand("models", "list the models, or show one layer by layer");
  auto command = std::make_shared<ModelsCommand>();
  app->add_option("model", command->model, "zoo name or .toml file to show")->type_name("");
  app->add_option("--features", command->features, "input features to build it for [16]")
      ->type_name("")
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--classes", command->classes, "classes to build it for [5]")
      ->type_name("")
      ->check(CLI::Range(2, 1 << 20));
  app->add_flag("--toml", command->toml, "print the model's layers as TOML");
  app->add_flag("--json", command->json, "print one JSON value");
  return [command] { return command->run(); };
}

}  // namespace jsc
