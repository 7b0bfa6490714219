// Everything that can be chosen about a training, by flag or config file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/settings/settings.hpp"
#include "apps/training/prepared_data.hpp"
#include "apps/training/trainer.hpp"

namespace jsc {

// How an action computes: shared by all that compute.
struct ExecutionSettings {
  std::int64_t threads = 0;  // 0: one a core
  std::string cpu_mask = "auto";
  bool blas = false;

  void add_to(Settings& settings);
  Execution execution() const;  // throws Error for a mask that does not exist here
};

struct TrainSettings {
  std::string model;
  DataSettings data;
  ExecutionSettings execution_settings;
  std::int64_t max_epochs = 20;
  std::int64_t max_steps = 0;
  std::int64_t batch_size = 256;
  double learning_rate = 1e-3;
  std::string optimizer = "adam";
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;
  std::string scheduler = "cosine";
  std::string schedule_by = "epoch";
  double eta_min = 1e-6;
  std::int64_t step_size = 10;
  double gamma = 0.1;
  std::int64_t warmup = 0;
  double label_smoothing = 0;
  std::string class_weights;
  double l1 = 0;
  double clip_norm = 0;
  std::int64_t patience = 0;
  std::int64_t seed = 0;
  std::string load;
  bool tensorboard = false;
  bool report = true;
  bool quiet = false;

  void add_to(Settings& settings);
  // Becomes what the config.toml of a run says.
  Settings read(const std::string& config_path);
  // What a run that goes on must agree on with its beginning: all settings as text, by key, but those that do
  // not change what is computed. The data are known by their hash; max_epochs may grow where the schedule
  // does not depend on it.
  std::map<std::string, std::string> decisive() const;
  Execution execution() const { return execution_settings.execution(); }
  // Throws Error if class_weights does not name one weight a class.
  TrainingOptions training(const std::vector<std::string>& class_names) const;
};

}  // namespace jsc
