// jsc-train inspect: what a checkpoint or run folder holds.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/checkpoint/integer_file.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/table.hpp"
#include "apps/training/start_run.hpp"
#include "engine/nearest.hpp"
#include "quant/quantized_tensors.hpp"

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
  std::string path, shown;
  bool json = false;

  int run() const {
    const bool folder = std::filesystem::is_directory(path);
    if (folder && RunFolder::at(path).has("config.toml") && !has_begun(RunFolder::at(path))) {
      if (RunFolder::at(path).has("summary.json"))
        fail(
            "{}: the folder of a transform that changed no network: it has no checkpoint to inspect (its "
            "results are in summary.json and NN_PASS.txt)",
            path);
      fail("{}: nothing is trained yet: begin with jsc-train train --resume {}", path, path);
    }
    // A run that was stopped in its first epoch has no best yet.
    const bool has_best = std::filesystem::exists(std::filesystem::path(path) / "best.safetensors");
    const std::string file = checkpoint_path(path, has_best ? "best" : "last");
    const TensorFile content = read_safetensors(file);
    // Loaded so that a damaged file is told, and to see the tensors as quantized layers do.
    std::vector<QuantizedTensor> quantized;
    if (content.metadata.contains("model_toml")) quantized = quantized_tensors(load_checkpoint(file).graph);
    if (is_integer_network(file)) load_integer_network(file);
    if (json) {
      Json result = to_json(content, file);
      if (folder) result["run"] = run_json();
      if (!quantized.empty()) result["quantized"] = quantized_json(quantized);
      fmt::print("{}\n", result.dump(2));
      return 0;
    }
    if (folder) print_run();
    print(content, file);
    if (!quantized.empty()) print_quantized(quantized);
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
    if (!RunFolder::at(path).has("last.safetensors")) {  // a transform's: nothing was trained
      fmt::print("run folder {}\n\n", path);
      return;
    }
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

  static Index codes_used(const QuantizedTensor& tensor) {
    return std::ssize(std::set<float>(tensor.quantized.begin(), tensor.quantized.end()));
  }

  static Json quantized_json(const std::vector<QuantizedTensor>& tensors) {
    Json json = Json::object();
    for (const QuantizedTensor& tensor : tensors)
      json[tensor.name] = {{"format", tensor.format()},
                           {"shape", tensor.shape},
                           {"codes_used", codes_used(tensor)},
                           {"saturated_share", tensor.saturated_share()},
                           {"raw", tensor.raw()}};
    return json;
  }

  // The integers themselves, row by row; with --tensor only those of one tensor.
  void print_quantized(const std::vector<QuantizedTensor>& tensors) const {
    fmt::print("\nas the quantized layers see them (value = integer * 2^-fraction):\n");
    Table table({"Tensor", "Format", "Codes used", "Saturated", "Integers"},
                {Align::left, Align::left, Align::right, Align::right, Align::left});
    std::vector<std::string_view> names;
    const QuantizedTensor* wanted = nullptr;
    for (const QuantizedTensor& t : tensors) {
      names.push_back(t.name);
      if (t.name == shown) wanted = &t;
      std::string first;
      const std::vector<std::int64_t> raw = t.raw();
      for (std::size_t i = 0; i < std::min<std::size_t>(raw.size(), 6); ++i)
        first += fmt::format("{} ", raw[i]);
      table.add_row({t.name, t.format(), std::to_string(codes_used(t)),
                     fmt::format("{:.2f} %", 100 * t.saturated_share()),
                     first + (raw.size() > 6 ? "..." : "")});
    }
    fmt::print("{}", table.to_terminal());
    if (shown.empty()) return;
    if (wanted == nullptr)
      fail("inspect: there is no quantized tensor '{}'{}", shown, suggestion(shown, names));
    const std::vector<std::int64_t> raw = wanted->raw();
    const Index cols = wanted->shape.back();
    fmt::print("\n{} {}\n", wanted->name, wanted->format());
    for (std::size_t i = 0; i < raw.size(); ++i)
      fmt::print("{:>6}{}", raw[i], static_cast<Index>(i + 1) % cols == 0 ? "\n" : " ");
  }

  void print(const TensorFile& content, const std::string& file) const {
    fmt::print("{}\n", file);
    for (const auto& [key, text] : content.metadata)
      if (key != "model_toml" && key != "training" && key != "transforms" && key != "program")
        fmt::print("  {}: {}\n", key, text);
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
  app->add_option("--tensor", command->shown, "show all integers of this quantized tensor")->type_name("");
  app->add_flag("--json", command->json, "print one JSON object");
  return [command] { return command->run(); };
}

}  // namespace jsc
