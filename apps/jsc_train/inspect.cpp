// jsc-train inspect: what a checkpoint or run folder holds.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/table.hpp"
#include "apps/training/run_folder.hpp"

namespace jsc {

namespace {

using Json = nlohmann::json;

struct Summary {
  double min = 0, mean = 0, max = 0;
};

template <class T>
Summary summarize(const StoredTensor& tensor) {
  const std::vector<T> values = tensor.values<T>();
  if (values.empty()) return {};
  const auto [low, high] = std::ranges::minmax_element(values);
  double sum = 0;
  for (T value : values) sum += static_cast<double>(value);
  return {static_cast<double>(*low), sum / static_cast<double>(values.size()), static_cast<double>(*high)};
}

Summary summarize(const StoredTensor& tensor) {
  switch (tensor.dtype) {
    case Dtype::f32:
      return summarize<float>(tensor);
    case Dtype::f64:
      return summarize<double>(tensor);
    case Dtype::i8:
      return summarize<std::int8_t>(tensor);
    case Dtype::i16:
      return summarize<std::int16_t>(tensor);
    case Dtype::i32:
      return summarize<std::int32_t>(tensor);
    case Dtype::i64:
      return summarize<std::int64_t>(tensor);
    case Dtype::u8:
      return summarize<std::uint8_t>(tensor);
  }
  return {};
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

struct InspectCommand {
  std::string path;
  bool json = false;

  int run() const {
    const bool folder = std::filesystem::is_directory(path);
    // A run that was stopped in its first epoch has no best yet.
    const bool has_best = std::filesystem::exists(std::filesystem::path(path) / "best.safetensors");
    const std::string file = checkpoint_path(path, has_best ? "best" : "last");
    const TensorFile content = read_safetensors(file);
    if (content.metadata.contains("model_toml")) load_checkpoint(file);  // so that a damaged one is told
    if (json) {
      Json result = to_json(content, file);
      if (folder) result["run"] = run_json();
      fmt::print("{}\n", result.dump(2));
      return 0;
    }
    if (folder) print_run();
    print(content, file);
    return 0;
  }

 private:
  Json run_json() const {
    std::ifstream in(path + "/summary.json");
    Json summary = Json::parse(in, nullptr, false);
    if (summary.is_discarded()) summary = nullptr;  // the run is not finished
    return {{"folder", path}, {"summary", summary}, {"epochs", RunFolder::open(path).read_metrics().size()}};
  }

  void print_run() const {
    const std::vector<EpochMetrics> epochs = RunFolder::open(path).read_metrics();
    Table table(
        {"Epoch", "Learning rate", "Train loss", "Train accuracy", "Val. loss", "Val. accuracy", "Samples/s"},
        std::vector<Align>(7, Align::right));
    for (const EpochMetrics& e : epochs)
      table.add_row({std::to_string(e.epoch + 1), fmt::format("{:.3g}", e.learning_rate),
                     fmt::format("{:.4f}", e.train_loss), fmt::format("{:.4f}", e.train_accuracy),
                     fmt::format("{:.4f}", e.val_loss), fmt::format("{:.4f}", e.val_accuracy),
                     format_si(e.samples_per_second)});
    fmt::print("run folder {}\n{}", path, table.to_terminal());
    const Json run = run_json();
    if (run["summary"].is_null())
      fmt::print("not finished: continue with jsc-train train --resume {}\n", path);
    else
      fmt::print("test: loss {:.4f}, accuracy {:.4f}; best epoch {}\n",
                 run["summary"].value("test_loss", NAN), run["summary"].value("test_accuracy", NAN),
                 run["summary"].value("best_epoch", 0) + 1);
    fmt::print("\n");
  }

  void print(const TensorFile& content, const std::string& file) const {
    fmt::print("{}\n", file);
    for (const auto& [key, text] : content.metadata)
      if (key != "model_toml" && key != "training") fmt::print("  {}: {}\n", key, text);
    Table table({"Tensor", "Type", "Shape", "Min", "Mean", "Max"},
                {Align::left, Align::left, Align::left, Align::right, Align::right, Align::right});
    for (const auto& [name, tensor] : content.tensors) {
      const Summary s = summarize(tensor);
      table.add_row({name, dtype_info(tensor.dtype).name, shape_text(tensor.shape),
                     fmt::format("{:.4g}", s.min), fmt::format("{:.4g}", s.mean),
                     fmt::format("{:.4g}", s.max)});
    }
    fmt::print("{}", table.to_terminal());
  }

  Json to_json(const TensorFile& content, const std::string& file) const {
    Json tensors = Json::object();
    for (const auto& [name, tensor] : content.tensors) {
      const Summary s = summarize(tensor);
      tensors[name] = {{"dtype", dtype_info(tensor.dtype).name},
                       {"shape", tensor.shape},
                       {"min", s.min},
                       {"mean", s.mean},
                       {"max", s.max}};
    }
    return {{"file", file}, {"metadata", content.metadata}, {"tensors", tensors}};
  }
};

}  // namespace

Action add_inspect(CLI::App& root) {
  CLI::App* app = root.add_subcommand("inspect", "show what a run folder or checkpoint holds");
  auto command = std::make_shared<InspectCommand>();
  app->add_option("path", command->path, "run folder or .safetensors file")->type_name("")->required();
  app->add_flag("--json", command->json, "print one JSON object");
  return [command] { return command->run(); };
}

}  // namespace jsc
