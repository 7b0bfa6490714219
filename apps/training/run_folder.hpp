// The folder of one training: config.toml, metrics.csv, summary.json, best.safetensors, last.safetensors and
// plots. Every file is replaced as a whole, so a run that is killed leaves the last complete state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace jsc {

struct EpochMetrics {
  std::int64_t epoch = 0;  // counted from 0
  double learning_rate = 0;
  double train_loss = 0, train_accuracy = 0;
  double val_loss = 0, val_accuracy = 0;
  double seconds = 0;             // of the training steps
  double samples_per_second = 0;  // of the training steps
};

class RunFolder {
 public:
  // A new run's folder, not made yet. An empty `out` means runs/MODEL_DATE_N with the first free N. Throws
  // Error if the folder holds a run already, or anything else; unless it has the file `mark`, by which the
  // caller knows what it may write again.
  static RunFolder plan(const std::string& out, const std::string& model, const std::string& mark = "");
  // An existing run. Throws Error if it has no config.toml.
  static RunFolder open(const std::string& path);

  // A folder that the caller knows to be free for a run.
  static RunFolder at(const std::string& path) { return RunFolder(path); }

  // Makes the folder and its parents where they are missing. Throws Error if that cannot be done.
  void make() const;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;
  // Writes config.toml, which makes the folder a run. Throws Error if it is one, even since a moment ago.
  void claim(const std::string& config) const;

  void write_metrics(const std::vector<EpochMetrics>& epochs) const;
  // Throws Error naming the line if the file is not what write_metrics makes; none if there is no file.
  std::vector<EpochMetrics> read_metrics() const;

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Throws Error for a folder of someone else: one that holds anything, but none of the files `marks`.
void require_free(const std::string& path, const std::vector<std::string>& marks);

}  // namespace jsc
