// jsc-train test: loss and accuracy of a trained network on the test rows, class by class.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/table.hpp"
#include "apps/training/train_settings.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

namespace {

// counts[label][prediction]
using Confusion = std::vector<std::vector<std::int64_t>>;

Confusion confusion_matrix(Evaluator& evaluator, const PreparedData& data,
                           std::span<const std::uint32_t> rows) {
  const std::size_t classes = data.data.class_names.size();
  Confusion counts(classes, std::vector<std::int64_t>(classes, 0));
  evaluator.forward(rows, [&](ConstMatrix logits, Index first) {
    for (Index i = 0; i < logits.cols; ++i) {
      Index best = 0;  // the first of equals
      for (Index c = 1; c < logits.rows; ++c)
        if (logits(c, i) > logits(best, i)) best = c;
      const std::int32_t label = data.data.labels[rows[static_cast<std::size_t>(first + i)]];
      ++counts[static_cast<std::size_t>(label)][static_cast<std::size_t>(best)];
    }
  });
  return counts;
}

struct TestCommand {
  std::string model, load, rows = "test";
  DataSettings data;
  ExecutionSettings execution;
  bool quiet = false, json = false;
  Settings settings;

  int run() {
    settings.resolve();
    data.take_from_run(settings, load);
    const Execution how = execution.execution();
    TrainedModel trained = open_trained_model(load);
    const PreparedData prepared = prepare_data(data, trained.expectation(), how.threads, quiet || json);
    const Graph graph =
        trained.graph(model, prepared.data.features, static_cast<Index>(prepared.data.class_names.size()));
    const std::vector<std::uint32_t> chosen = prepared.rows(rows);
    Evaluator evaluator(graph, prepared.samples(), how);
    const Metrics metrics = evaluator.evaluate(chosen);
    print(trained, graph, prepared, metrics, confusion_matrix(evaluator, prepared, chosen));
    return 0;
  }

 private:
  void print(const TrainedModel& trained, const Graph& graph, const PreparedData& prepared,
             const Metrics& metrics, const Confusion& counts) const {
    const std::vector<std::string>& names = prepared.data.class_names;
    if (json) {
      fmt::print("{}\n", nlohmann::json{{"model", trained.name(model)},
                                        {"checkpoint", trained.path},
                                        {"parameters", graph.parameter_count()},
                                        {"data",
                                         {{"source", prepared.data.source},
                                          {"hash", prepared.hash},
                                          {"rows", metrics.samples},
                                          {"which", rows}}},
                                        {"loss", metrics.loss},
                                        {"accuracy", metrics.accuracy},
                                        {"classes", names},
                                        {"confusion", counts},
                                        {"weights_hash", state_hash(graph)}}
                             .dump(2));
      return;
    }
    fmt::print("{} from {}\n", trained.name(model), trained.path);
    if (!quiet)
      fmt::print("data   {}: {} rows ({})\n", prepared.data.source, format_count(metrics.samples), rows);
    fmt::print("{}: loss {:.4f}, accuracy {:.4f} ({} rows)\n", rows, metrics.loss, metrics.accuracy,
               format_count(metrics.samples));
    if (quiet) return;
    std::vector<std::string> titles = {"label \\ predicted"};
    titles.insert(titles.end(), names.begin(), names.end());
    titles.push_back("recall");
    std::vector<Align> align = {Align::left};
    align.resize(titles.size(), Align::right);
    Table table(titles, align);
    for (std::size_t label = 0; label < names.size(); ++label) {
      std::vector<std::string> cells = {names[label]};
      std::int64_t total = 0;
      for (std::int64_t n : counts[label]) {
        cells.push_back(format_count(n));
        total += n;
      }
      cells.push_back(total == 0 ? "-"
                                 : fmt::format("{:.4f}", static_cast<double>(counts[label][label]) /
                                                             static_cast<double>(total)));
      table.add_row(cells);
    }
    fmt::print("{}", table.to_terminal());
  }
};

}  // namespace

Action add_test(CLI::App& root) {
  CLI::App* app = root.add_subcommand("test", "loss, accuracy and confusion matrix of a trained model");
  app->footer(
      "Example: jsc-train test --load runs/jsc-toy_2026-11-23_1\nThe data are the run's, split and "
      "scaled as in training, unless --data names others.");
  auto command = std::make_shared<TestCommand>();
  Settings& settings = command->settings;
  settings.add("model", &command->model, "zoo name or .toml file (needed only for a file of bare weights)")
      .positional();
  settings.add("load", &command->load, "run folder (its best checkpoint) or .safetensors file");
  settings.add("rows", &command->rows, "which rows to use").choices({"test", "validation", "train", "all"});
  command->data.add_to(settings);
  command->execution.add_to(settings);
  settings.add("quiet", &command->quiet, "print the result only");
  settings.add("json", &command->json, "print the result as one JSON object");
  settings.add_flags(*app);
  return [command] { return command->run(); };
}

}  // namespace jsc
