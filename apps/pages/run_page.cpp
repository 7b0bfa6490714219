#include "apps/pages/run_page.hpp"

#include <fmt/chrono.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "apps/pages/sections.hpp"
#include "apps/report/format.hpp"
#include "apps/support/atomic_file.hpp"
#include "graph/state_dict.hpp"
#include "quant/quantization.hpp"

namespace jsc {

namespace fs = std::filesystem;

namespace {

// What a folder tells of the network, beside its weights.
struct FolderFiles {
  std::string config_path;           // "" where there is none
  std::vector<EpochMetrics> epochs;  // none where no training went on
  MetaValue summary, certificate;    // null where there is none
};

MetaValue read_json(const fs::path& path) {
  std::ifstream in(path);
  if (!in) return nullptr;
  MetaValue value = MetaValue::parse(in, nullptr, false);
  if (!value.is_object()) fail("{}: expected a JSON object, found something else", path.string());
  return value;
}

FolderFiles read_folder(const fs::path& folder, const MetaValue& summary, const std::string& weights_hash) {
  FolderFiles files;
  // A transform's folder has a configuration and a summary of its own kind, and no metrics.
  if (fs::exists(folder / "metrics.csv") && fs::exists(folder / "config.toml")) {
    files.config_path = (folder / "config.toml").string();
    files.epochs = RunFolder::open(folder.string()).read_metrics();
    files.summary = summary.is_null() ? read_json(folder / "summary.json") : summary;
    for (const char* key : {"best_epoch", "seed", "seconds", "samples_per_second", "data"})
      if (!files.summary.is_null() && !files.summary.contains(key))
        fail("{}: expected the key '{}', found none", (folder / "summary.json").string(), key);
  }
  files.certificate = read_json(folder / "certificate.json");
  if (!files.certificate.is_null() && files.certificate.value("weights_hash", "") != weights_hash)
    files.certificate = nullptr;  // of other weights
  return files;
}

// The comment that config.toml begins with.
std::string command_of(const std::string& config_path) {
  std::ifstream in(config_path);
  std::string line;
  std::getline(in, line);
  return line.starts_with("# ") ? line.substr(2) : "";
}

std::string percent(double share) {
  return fmt::format("{:.2f} %", 100 * share);
}

std::string mean_auc(const Evaluation& evaluation) {
  double sum = 0;
  int classes = 0;
  for (const Roc& roc : evaluation.roc)
    if (const auto auc = roc.auc()) {
      sum += *auc;
      ++classes;
    }
  return classes == 0 ? "none" : fmt::format("{:.4f}", sum / classes);
}

void add_figures(Page& page, const FolderFiles& files, const Graph& graph, const Evaluation& plain,
                 const Evaluation* quantized) {
  const Evaluation& network = quantized != nullptr ? *quantized : plain;
  std::vector<Fact> figures = {{"Test accuracy", percent(network.metrics.accuracy)}};
  if (quantized != nullptr) figures.push_back({"Float accuracy", percent(plain.metrics.accuracy)});
  figures.push_back({"Test loss", fmt::format("{:.4f}", network.metrics.loss)});
  figures.push_back({"Mean AUC", mean_auc(network)});
  if (!files.summary.is_null() && !files.epochs.empty())
    figures.push_back(
        {"Best epoch", fmt::format("{} of {}", files.summary.at("best_epoch").get<std::int64_t>() + 1,
                                   files.epochs.size())});
  figures.push_back({"Parameters", format_count(graph.parameter_count())});
  if (!files.certificate.is_null())
    figures.push_back({"Mismatches", format_count(files.certificate.at("mismatches").get<std::int64_t>())});
  page.figures(figures);
}

void add_facts(Page& page, const FolderFiles& files, const TrainedModel& trained, const PreparedData& data) {
  const Split& split = data.split;
  std::vector<Fact> facts;
  if (const std::string command = command_of(files.config_path); !command.empty())
    facts.push_back({"Command", command, true});
  facts.push_back({"Network", trained.checkpoint->context.model.name});
  facts.push_back({"Data", fmt::format("{} (variant {}); {} features, {} classes", data.data.source,
                                       data.variant, data.data.features, data.data.class_names.size())});
  facts.push_back(
      {"Rows",
       fmt::format("{} training, {} validation, {} test", format_count(std::ssize(split.train)),
                   format_count(std::ssize(split.validation)), format_count(std::ssize(split.test)))});
  facts.push_back({"Data hash", data.hash, true});
  facts.push_back({"Split hash", split_hash(split), true});
  facts.push_back({"Weights hash", state_hash(trained.checkpoint->graph), true});
  if (!files.summary.is_null()) {
    facts.push_back({"Seed", files.summary.at("seed").dump()});
    facts.push_back(
        {"Training time",
         fmt::format("{} at {} (median epoch)", format_seconds(files.summary.at("seconds").get<double>()),
                     format_rate(files.summary.at("samples_per_second").get<double>(), "rows"))});
    facts.push_back({"Trained by", fmt::format("jsc {}", files.summary.value("version", "?"))});
    if (files.summary.at("data").at("hash") != data.hash)
      facts.push_back({"Note", "these are not the data that the network was trained on"});
  } else if (!files.config_path.empty()) {
    facts.push_back({"Note", "the training has not ended"});
  }
  page.facts(facts);
}

void write_svgs(const fs::path& folder, const std::string& model, const std::vector<EpochMetrics>& epochs,
                std::vector<std::string>& warnings) {
  const std::vector<PlotScript> scripts = {script_of(loss_plot(model, epochs)),
                                           script_of(accuracy_plot(model, epochs))};
  const std::vector<RenderedPlot> rendered = run_gnuplot(scripts);
  const char* const names[] = {"loss.svg", "accuracy.svg"};
  for (std::size_t i = 0; i < rendered.size(); ++i)
    if (const std::string problem = write_rendered(rendered[i], folder / names[i]); !problem.empty())
      warnings.push_back(fmt::format("no {}: {}", names[i], problem));
}

std::string made_by(const Execution& execution) {
  std::tm now{};
  const std::time_t seconds = std::time(nullptr);
  localtime_r(&seconds, &now);
  return fmt::format("Made by jsc {} on {:%Y-%m-%d %H:%M}, with {} kernels on {} {}.", JSC_VERSION, now,
                     isa_name(execution.isa), execution.threads,
                     execution.threads == 1 ? "thread" : "threads");
}

}  // namespace

std::vector<std::string> write_run_page(const std::string& folder, TrainedModel& trained,
                                        const PreparedData& data, const Execution& execution,
                                        PageExtent extent, const MetaValue& summary) {
  JSC_ASSERT(trained.checkpoint);
  Checkpoint& checkpoint = *trained.checkpoint;
  const FolderFiles files = read_folder(folder, summary, state_hash(checkpoint.graph));
  const std::string& model = checkpoint.context.model.name;
  const std::string rows = fmt::format("{} test rows", format_count(std::ssize(data.split.test)));

  const bool is_quantized = !quantization_of(checkpoint.graph).empty();
  const Evaluation network = evaluate_rows(checkpoint.graph, data, data.split.test, execution);
  const Evaluation plain = is_quantized
                               ? evaluate_rows(float_counterpart(trained), data, data.split.test, execution)
                               : Evaluation{};
  const Evaluation& first = is_quantized ? plain : network;
  const Evaluation* second = is_quantized ? &network : nullptr;

  Page page(files.epochs.empty() ? "Network"
            : is_quantized       ? "Training run, quantized"
                                 : "Training run",
            model);
  add_figures(page, files, checkpoint.graph, first, second);
  add_facts(page, files, trained, data);
  if (!files.epochs.empty()) add_training_section(page, model, files.epochs);
  add_classes_section(page, data.data.class_names, first, second, rows);
  if (!files.certificate.is_null()) add_verification_section(page, files.certificate);
  add_ranges_section(page, checkpoint.graph, data, data.split.test, rows, execution);
  if (extent == PageExtent::whole) add_features_section(page, data, data.split.test, rows);
  if (!files.config_path.empty()) add_configuration_section(page, files.config_path);
  page.footer(made_by(execution));

  std::vector<std::string> problems, warnings;
  const std::string html = page.html(problems);
  write_file((fs::path(folder) / "report.html").string(), html);
  for (const std::string& problem : problems) warnings.push_back("report.html lacks a plot: " + problem);
  if (!files.epochs.empty() && extent == PageExtent::whole) write_svgs(folder, model, files.epochs, warnings);
  return warnings;
}

}  // namespace jsc
