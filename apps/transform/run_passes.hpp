// Runs the passes of a file over one network, in order, and shows and keeps what each finds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/transform/pass_output.hpp"

namespace jsc {

struct PassesToRun {
  std::vector<PassCall> calls;
  const InputGenerator* input = nullptr;
  Index batch_size = 8;  // rows of the dummy input of the metadata
  Execution execution;
  bool quiet = false;  // no progress, no warnings
};

// Gives the graph its metadata first (init, common without values, software), as MASE does. `show` gets each
// pass when it is done and its files are written. A pass that changed the graph leaves
// transformed_ckpt/node_meta_param.toml in the folder. Throws Error beginning with the place in the file.
std::vector<PassRun> run_passes(Graph& graph, const PassesToRun& passes, const RunFolder& folder,
                                const std::function<void(const PassRun&)>& show);

}  // namespace jsc
