#include "apps/sweep/trial.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/support/mapped_file.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json read_json(const std::string& file) {
  try {
    return json::parse(MappedFile(file).bytes());
  } catch (const json::exception& error) {
    fail("{}: damaged: {}", file, error.what());
  }
}

void read_summary(const json& summary, TrialResult& result) {
  result.parameters = summary.at("parameters");
  result.best_epoch = summary.at("best_epoch");
  result.val_loss = summary.at("val_loss");
  result.val_accuracy = summary.at("val_accuracy");
  result.test_loss = summary.at("test_loss");
  result.test_accuracy = summary.at("test_accuracy");
  result.seconds = summary.at("seconds");
  result.data_hash = summary.at("data").at("hash");
}

}  // namespace

RunFolder trial_folder(const std::string& sweep, const Trial& trial) {
  return RunFolder::at(sweep + "/trials/" + trial.name);
}

TrialResult read_trial(const RunFolder& folder) {
  TrialResult result;
  result.epochs = folder.read_metrics();
  std::string file;
  try {
    if (folder.has("failure.json")) {
      file = folder.file("failure.json");
      result.reason = read_json(file).at("reason");
      result.state = TrialResult::State::failed;
    } else if (folder.has("summary.json")) {
      file = folder.file("summary.json");
      read_summary(read_json(file), result);
      result.state = TrialResult::State::done;
    }
  } catch (const json::exception& error) {
    fail("{}: damaged: {}", file, error.what());
  }
  if (result.state != TrialResult::State::done) return result;
  if (result.best_epoch < 0 || result.best_epoch >= std::ssize(result.epochs))
    fail("{}: expected {} epochs, found {}", folder.file("metrics.csv"), result.best_epoch + 1,
         result.epochs.size());
  const EpochMetrics& best = result.epochs[static_cast<std::size_t>(result.best_epoch)];
  result.train_loss = best.train_loss;
  result.train_accuracy = best.train_accuracy;
  return result;
}

void write_failure(const RunFolder& folder, const std::string& reason) {
  const json failure = {{"reason", reason}};
  folder.write("failure.json", failure.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

void copy_beginning(const RunFolder& shorter, const RunFolder& folder, const std::string& config) {
  if (!shorter.has("last.safetensors")) return;
  for (const char* name : {"best.safetensors", "metrics.csv", "last.safetensors"})
    if (shorter.has(name)) folder.write(name, std::string(MappedFile(shorter.file(name)).bytes()));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(shorter.path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("events.out."))
      folder.write(name, std::string(MappedFile(shorter.file(name)).bytes()));
  }
  folder.write("config.toml", config);  // last: it makes the folder a run
}

// config.toml, which makes the folder a run, goes first: what a kill leaves then is no run.
void clear_trial(const RunFolder& folder) {
  std::error_code error;
  fs::remove(folder.file("config.toml"), error);
  fs::remove_all(folder.path(), error);
  if (error) fail("{}: cannot remove what is damaged: {}", folder.path(), error.message());
  folder.make();
}

}  // namespace jsc
