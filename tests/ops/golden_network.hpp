// The network and data of tests/golden/make_golden.py on the tape, and a training run of it in which single
// formulas can be replaced.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ops/cross_entropy.hpp"
#include "ops/optimizer.hpp"

namespace jsc::golden {

// Name -> values, as in a golden file: "losses" and the entries of PyTorch's state dict.
using Values = std::map<std::string, std::vector<float>>;

// Reads tests/golden/NAME.txt.
Values read(const std::string& name);

// Values from the integer hash of make_golden.py: scale·k/2^15, k from -2^15 to 2^15 - 1.
std::vector<float> parameter(std::uint32_t seed, Index count, float scale);

// One run. The defaults are those of make_golden.py's run().
struct Recipe {
  OptimizerOptions optimizer;
  double rate = 0.1;
  CrossEntropyOptions loss;
  double clip = 0.0;  // 0 for none
  float bn_eps = 1e-5F, bn_momentum = 0.1F;
  int threads = 1;
  Isa isa = detected_isa();

  // Wrong on purpose, where options cannot express it:
  std::function<void(std::span<float> gradients, double weight_sum)> change_gradients;  // before clipping
  std::function<void(std::span<float> values, std::span<const float> gradients, std::int64_t t)>
      update;  // in place of the optimizer
  bool biased_running_variance = false;
};

// The recipe of a committed run, by its name.
Recipe recipe(const std::string& name);
const std::vector<std::string>& run_names();

Values train(const Recipe& recipe);

struct Deviation {
  double loss = 0.0, value = 0.0;  // largest absolute differences: of losses; of parameters and statistics
};
Deviation compare(const Values& found, const Values& expected);

}  // namespace jsc::golden
