// What --load names: a run folder, a checkpoint of jsc-train, or any safetensors file with a PyTorch state
// dict. The last says neither its model nor names, classes and scaler; then the model must be named, and the
// data says the rest.
#pragma once

#include <optional>
#include <string>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/training/prepared_data.hpp"

namespace jsc {

struct TrainedModel {
  std::string path;  // the file read
  TensorFile file;
  std::optional<Checkpoint> checkpoint;  // none for a bare state dict

  // What data must look like to fit.
  Expectation expectation() const;
  // The network, for data of these sizes. `model` may be empty where the file says which model it is; if
  // given it must be that one.
  Graph graph(const std::string& model, Index features, Index classes);
  // The model's name.
  std::string name(const std::string& model) const;
};

// The network of a checkpoint with the same weights but without its quantization.
Graph float_counterpart(const TrainedModel& trained);

TrainedModel open_trained_model(const std::string& load);

}  // namespace jsc
