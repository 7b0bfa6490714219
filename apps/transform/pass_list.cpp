#include "apps/transform/pass_list.hpp"

#include <algorithm>
#include <array>

#include "engine/nearest.hpp"
#include "quant/passes/passes.hpp"

namespace jsc {

namespace {

// Each library's list: a further one is a further line.
constexpr std::array kLists = {
    &graph_passes,
    &quant_passes,
};

// Passes of MASE that no list may have: a file that names one is not misspelt.
constexpr std::array<std::string_view, 12> kMasePasses = {
    "run_cosim_analysis_pass", "get_synthesis_results", "add_pruning_metadata", "add_natural_sparsity",
    "hook_inspection",         "load_mase_graph",       "save_mase_graph",      "prune",
    "prune_detach_hook",       "conv_bn_fusion",        "logicnets_fusion",     "onnx_annotate"};

}  // namespace

const std::vector<Pass>& available_passes() {
  static const std::vector<Pass> passes = [] {
    std::vector<Pass> all;
    for (const auto list : kLists) {
      const std::span<const Pass> part = list();
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return passes;
}

const Pass& find_pass(std::string_view name, const std::vector<Pass>& passes) {
  std::vector<std::string_view> known;
  for (const Pass& pass : passes) {
    if (pass.name == name) return pass;
    known.push_back(pass.name);
  }
  if (std::ranges::find(kMasePasses, name) != kMasePasses.end())
    fail("pass '{}' is not available in this build", name);
  fail("there is no pass '{}'{}", name, suggestion(name, known));
}

}  // namespace jsc
