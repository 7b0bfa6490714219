// A network on disk: a safetensors file with the state dict under PyTorch's names, and as metadata everything
// that is needed to use it without the data it was trained on (layers, feature and class names, scaler).
// docs/formats.md has the layout.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/checkpoint/safetensors.hpp"
#include "apps/data/scaler.hpp"
#include "apps/models/model.hpp"
#include "apps/training/trainer.hpp"
#include "apps/transform/transforms.hpp"
#include "graph/graph.hpp"

namespace jsc {

// What a network must know beside its weights.
struct ModelContext {
  ModelDescription model;
  std::vector<std::string> feature_names;
  std::vector<std::string> class_names;
  Scaler scaler;            // empty: the features are used as they are
  Transforms transforms{};  // what was made of the model's network: quantize, fold_batch_norm, ...
};

// What a training must know to go on: the position, the best so far, and the optimizer's arrays.
struct TrainingState {
  TrainingPosition position;
  std::int64_t best_epoch = -1;
  double best_loss = 0;
  double best_accuracy = 0;
  std::vector<double> epoch_rates;  // samples/s of each epoch so far
  double seconds = 0;
  std::string data_hash;
  std::map<std::string, std::string> settings;  // TrainSettings::decisive(); empty in older files
};

struct Checkpoint {
  ModelContext context;
  Graph graph;
  std::optional<TrainingState> training;
  TensorFile file;  // as read, for inspection and for the optimizer's state
};

// The state dict alone: parameters and buffers under PyTorch's names.
TensorFile state_tensors(const Graph& graph);

// A checkpoint in memory, for write_safetensors.
TensorFile checkpoint_file(const Graph& graph, const ModelContext& context);
void save_checkpoint(const std::string& path, const Graph& graph, const ModelContext& context);
void save_checkpoint(const std::string& path, const Graph& graph, const ModelContext& context,
                     const TrainingState& training, Optimizer& optimizer);

// Throws Error if the file is damaged or lacks what save_checkpoint writes.
Checkpoint load_checkpoint(const std::string& path);

// Copies the tensors of a file (a checkpoint, or any safetensors file with PyTorch's state-dict names) into
// the graph. Throws Error for a missing tensor, a wrong shape or dtype, or a tensor that the graph does not
// have.
void load_state(const Graph& graph, const TensorFile& file, const std::string& path);

void restore_optimizer(Optimizer& optimizer, const TensorFile& file, const std::string& path);

// FILE, or a run folder's best.safetensors (or `preferred` instead of "best").
std::string checkpoint_path(const std::string& file_or_folder, const std::string& preferred = "best");

}  // namespace jsc
