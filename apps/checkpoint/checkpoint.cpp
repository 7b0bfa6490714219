#include "apps/checkpoint/checkpoint.hpp"

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/checkpoint/content_hash.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "jsc-checkpoint";
constexpr const char* kVersion = "2";
constexpr const char* kUnhashedVersion = "1";  // the same without content_hash
constexpr const char* kOptimizerPrefix = "optimizer.";

void add_doubles(TensorFile& file, const std::string& name, const std::vector<double>& values) {
  file.tensors[name] =
      StoredTensor::of<double>(Dtype::f64, {static_cast<std::int64_t>(values.size())}, values);
}

bool is_companion(const std::string& name) {
  return name.starts_with("scaler.") || name.starts_with(kOptimizerPrefix);
}

Json to_json(const TrainingState& t) {
  const TrainingPosition& p = t.position;
  return {{"epoch", p.epoch},
          {"batch", p.batch},
          {"step", p.step},
          {"loss_sum", p.loss_sum},
          {"weight_sum", p.weight_sum},
          {"correct", p.correct},
          {"samples", p.samples},
          {"best_epoch", t.best_epoch},
          {"best_loss", t.best_loss},
          {"best_accuracy", t.best_accuracy},
          {"seconds", t.seconds},
          {"epoch_rates", t.epoch_rates},
          {"data_hash", t.data_hash},
          {"settings", t.settings}};
}

TrainingState training_from_json(const Json& j) {
  TrainingState t;
  t.position = {.epoch = j.at("epoch"),
                .batch = j.at("batch"),
                .step = j.at("step"),
                .loss_sum = j.at("loss_sum"),
                .weight_sum = j.at("weight_sum"),
                .correct = j.at("correct"),
                .samples = j.at("samples")};
  t.best_epoch = j.at("best_epoch");
  t.best_loss = j.at("best_loss");
  t.best_accuracy = j.at("best_accuracy");
  t.seconds = j.at("seconds");
  t.epoch_rates = j.at("epoch_rates").get<std::vector<double>>();
  t.data_hash = j.at("data_hash");
  if (j.contains("settings")) t.settings = j.at("settings").get<std::map<std::string, std::string>>();
  return t;
}

const std::string& metadata(const TensorFile& file, const std::string& key, const std::string& path) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail("{}: not a jsc checkpoint: its metadata has no '{}'", path, key);
  return found->second;
}

std::vector<double> doubles(const TensorFile& file, const std::string& name, std::size_t count,
                            const std::string& path) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) fail("{}: has no tensor '{}'", path, name);
  if (found->second.dtype != Dtype::f64 || found->second.bytes.size() != count * sizeof(double))
    fail("{}: tensor '{}': expected {} values of type F64", path, name, count);
  return found->second.values<double>();
}

std::string show_shape(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

TensorFile state_tensors(const Graph& graph) {
  TensorFile file;
  for (const StateEntry& entry : state_dict(graph)) {
    const std::vector<std::int64_t> shape(entry.shape.begin(), entry.shape.end());
    const auto count = static_cast<std::size_t>(entry.size);
    if (float* const* values = std::get_if<float*>(&entry.data))
      file.tensors[entry.name] = StoredTensor::of<float>(Dtype::f32, shape, {*values, count});
    else
      file.tensors[entry.name] =
          StoredTensor::of<std::int64_t>(Dtype::i64, shape, {std::get<std::int64_t*>(entry.data), count});
  }
  return file;
}

TensorFile checkpoint_file(const Graph& graph, const ModelContext& context) {
  TensorFile file = state_tensors(graph);
  file.metadata["format"] = kFormat;
  file.metadata["version"] = kVersion;
  file.metadata["model"] = context.model.name;
  file.metadata["model_toml"] = context.model.toml;
  if (!context.transforms.list.empty()) file.metadata["transforms"] = context.transforms.list.dump();
  file.metadata["features"] = Json(context.feature_names).dump();
  file.metadata["classes"] = Json(context.class_names).dump();
  file.metadata["weights_hash"] = state_hash(graph);
  if (!context.scaler.mean.empty()) {
    add_doubles(file, "scaler.mean", context.scaler.mean);
    add_doubles(file, "scaler.scale", context.scaler.scale);
  }
  return file;
}

void save_checkpoint(const std::string& path, const Graph& graph, const ModelContext& context) {
  write_safetensors(path, checkpoint_file(graph, context));
}

void save_checkpoint(const std::string& path, const Graph& graph, const ModelContext& context,
                     const TrainingState& training, Optimizer& optimizer) {
  TensorFile file = checkpoint_file(graph, context);
  Json json = to_json(training);
  json["optimizer"] = optimizer.name();
  json["optimizer_steps"] = optimizer.steps_taken;
  // A file's name among the settings need not be UTF-8.
  file.metadata["training"] = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (const Optimizer::StateArray& array : optimizer.state())
    file.tensors[kOptimizerPrefix + std::string(array.name)] =
        StoredTensor::of<float>(Dtype::f32, {static_cast<std::int64_t>(array.values.size())}, array.values);
  write_safetensors(path, std::move(file));
}

Checkpoint load_checkpoint(const std::string& path) {
  Checkpoint checkpoint;
  checkpoint.file = read_safetensors(path);
  const TensorFile& file = checkpoint.file;
  if (metadata(file, "format", path) != kFormat)
    fail("{}: not a jsc checkpoint: its format is '{}'", path, metadata(file, "format", path));
  if (const std::string& version = metadata(file, "version", path); version == kVersion)
    static_cast<void>(metadata(file, kContentHash, path));  // which read_safetensors has checked
  else if (version != kUnhashedVersion)
    fail("{}: expected checkpoint version {} or {}, found '{}'", path, kUnhashedVersion, kVersion, version);
  ModelContext& context = checkpoint.context;
  context.model = {metadata(file, "model", path), metadata(file, "model_toml", path)};
  try {
    context.feature_names = Json::parse(metadata(file, "features", path)).get<std::vector<std::string>>();
    context.class_names = Json::parse(metadata(file, "classes", path)).get<std::vector<std::string>>();
    if (file.metadata.contains("transforms"))
      context.transforms.list = MetaValue::parse(file.metadata.at("transforms"));
    if (file.metadata.contains("training"))
      checkpoint.training = training_from_json(Json::parse(file.metadata.at("training")));
  } catch (const Json::exception& error) {
    fail("{}: its metadata is damaged: {}", path, error.what());
  }
  if (file.tensors.contains("scaler.mean")) {
    context.scaler.mean = doubles(file, "scaler.mean", context.feature_names.size(), path);
    context.scaler.scale = doubles(file, "scaler.scale", context.feature_names.size(), path);
  }
  checkpoint.graph = build_model(context.model, static_cast<Index>(context.feature_names.size()),
                                 static_cast<Index>(context.class_names.size()));
  try {
    context.transforms.replay(checkpoint.graph);
  } catch (const std::exception& error) {
    fail("{}: its transforms cannot be repeated: {}", path, error.what());
  }
  load_state(checkpoint.graph, file, path);
  if (state_hash(checkpoint.graph) != metadata(file, "weights_hash", path))
    fail("{}: its weights do not match their hash (damaged file)", path);
  return checkpoint;
}

void load_state(const Graph& graph, const TensorFile& file, const std::string& path) {
  std::set<std::string> known;
  for (const StateEntry& entry : state_dict(graph)) {
    known.insert(entry.name);
    const auto found = file.tensors.find(entry.name);
    if (found == file.tensors.end()) fail("{}: has no tensor '{}', which the model needs", path, entry.name);
    const StoredTensor& tensor = found->second;
    const std::vector<std::int64_t> shape(entry.shape.begin(), entry.shape.end());
    const bool is_float = std::holds_alternative<float*>(entry.data);
    if (tensor.dtype != (is_float ? Dtype::f32 : Dtype::i64))
      fail("{}: tensor '{}': expected type {}, found {}", path, entry.name, is_float ? "F32" : "I64",
           dtype_info(tensor.dtype).name);
    if (tensor.shape != shape)
      fail("{}: tensor '{}': expected shape {}, found {}", path, entry.name, show_shape(shape),
           show_shape(tensor.shape));
    std::visit([&](auto* values) { std::memcpy(values, tensor.bytes.data(), tensor.bytes.size()); },
               entry.data);
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!known.contains(name) && !is_companion(name))
      fail("{}: tensor '{}' is not part of the model", path, name);
}

void restore_optimizer(Optimizer& optimizer, const TensorFile& file, const std::string& path) {
  Json training;
  try {
    training = Json::parse(metadata(file, "training", path));
    if (training.at("optimizer") != std::string(optimizer.name()))
      fail("{}: expected the state of optimizer '{}', found '{}'", path, optimizer.name(),
           training.at("optimizer").get<std::string>());
    optimizer.steps_taken = training.at("optimizer_steps").get<std::int64_t>();
  } catch (const Json::exception& error) {
    fail("{}: its metadata is damaged: {}", path, error.what());
  }
  for (const Optimizer::StateArray& array : optimizer.state()) {
    const auto found = file.tensors.find(kOptimizerPrefix + std::string(array.name));
    if (found == file.tensors.end() || found->second.dtype != Dtype::f32 ||
        found->second.bytes.size() != array.values.size() * sizeof(float))
      fail("{}: expected a tensor '{}{}' of {} floats", path, kOptimizerPrefix, array.name,
           array.values.size());
    std::memcpy(array.values.data(), found->second.bytes.data(), found->second.bytes.size());
  }
}

std::string checkpoint_path(const std::string& file_or_folder, const std::string& preferred) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(file_or_folder, error)) return file_or_folder;
  const fs::path file = fs::path(file_or_folder) / (preferred + ".safetensors");
  if (!fs::exists(file, error))
    fail("{}: has no {}.safetensors (is it a run folder?)", file_or_folder, preferred);
  return file.string();
}

}  // namespace jsc
