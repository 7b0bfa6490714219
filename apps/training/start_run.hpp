// How a run begins: a new one from settings, passes and data, an interrupted one from its folder.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/training/run.hpp"
#include "apps/transform/transform_file.hpp"

namespace jsc {

// What a new run starts from: the model, and the weights where the settings load some.
struct StartingPoint {
  std::optional<TrainedModel> loaded;
  ModelDescription model;
  bool model_given = false;  // by the settings, which do not just repeat the name in the checkpoint

  Expectation expectation() const { return loaded ? loaded->expectation() : Expectation{}; }
};

// Throws Error if settings.model is neither given nor told by the checkpoint, or cannot be found. A model
// told by the checkpoint is put into settings.model.
StartingPoint find_starting_point(TrainSettings& settings);

// Builds the network (or takes the loaded one), runs the passes over it, and makes the folder; writes
// nothing. Throws Error for what cannot be trained, before it makes the folder. The settings must outlive the
// run.
std::unique_ptr<Run> new_run(const TrainSettings& settings, StartingPoint start,
                             const std::vector<PassCall>& passes, std::shared_ptr<const PreparedData> data,
                             RunFolder folder);

// What the folder of a new run begins with. `config` is the text of config.toml. Throws Error if another run
// has begun there.
void open_run_folder(Run& run, const std::string& config);

// False for a run that was killed between config.toml and its first state: nothing is trained, and it can
// begin by its config.toml. Where other files are, a missing state is damage.
bool has_begun(const RunFolder& folder);

// The last state of a run that was interrupted or killed.
struct LastState {
  std::string path;
  Checkpoint checkpoint;  // with its training state

  Expectation expectation() const;
};

// Throws Error if last.safetensors is missing, damaged or not that of a training.
LastState read_last_state(const RunFolder& folder);

// Throws Error if the settings or the data are not those of the run, or its files do not fit together.
std::unique_ptr<Run> continued_run(const TrainSettings& settings, LastState last,
                                   std::shared_ptr<const PreparedData> data, RunFolder folder);

}  // namespace jsc
