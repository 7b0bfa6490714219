// A sweep before it runs: which options take which values, and the trials that follow. A pure function of
// what was asked for, so that a sweep that goes on has the same trials.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/training/train_settings.hpp"

namespace jsc {

struct SweptOption {
  std::string key;                  // of TrainSettings, such as "batch_size"
  std::vector<std::string> values;  // as the settings show them: 0.0001, not 1e-4; no two are the same
};

struct Trial {
  std::vector<std::size_t> choice;  // for each option of the plan, which of its values
  TrainSettings settings;           // complete: one thread, quiet
  std::string config;               // the same as TOML
  std::string name;                 // of its folder: 07_batch_size=64_seed=1
  // The trial that is the beginning of this one: equal but for fewer epochs, under a schedule of the learning
  // rate that does not depend on their number. -1: none.
  int begins_with = -1;
};

struct SweepPlan {
  std::vector<SweptOption> options;  // all that can be swept, in the order of the settings
  bool paired = false;  // the lists side by side, not every combination; seeds are crossed always
  std::vector<Trial> trials;

  // Those with more than one value, seeds apart.
  std::vector<std::size_t> swept() const;
  std::size_t option(const std::string& key) const;  // its index
  const std::string& value(const Trial& trial, const std::string& key) const;
  // "batch_size=64 learning_rate=0.001": the swept options, and the seed where there are several.
  std::string describe(const Trial& trial, bool with_seed) const;
  // What the trials are, as TOML that `sweep --config` takes.
  std::string to_toml() const;
};

// What cannot be swept: it does not change a result, or says how to run.
const std::vector<std::string>& unswept_settings();

// The lists that were given, by key: text as parse_values takes it, and where it was given.
struct GivenList {
  std::string text, where;
};

// `fixed` are the values of what cannot be swept. `seeds` > 0: that many seeds from the one given. Throws
// Error naming the option for a value that the option does not take, for a value that occurs twice, for
// paired lists of different lengths and for more than 100,000 trials.
SweepPlan make_plan(const std::map<std::string, GivenList>& lists, const TrainSettings& fixed, bool paired,
                    std::int64_t seeds);

// The values of a TOML file that this program wrote, as text, by key; those of tables by "table.key".
std::map<std::string, std::string> values_by_key(const std::string& toml);

// How the sweep.toml of a folder differs from the plan's, as one line; "" if it does not.
std::string plan_difference(const std::string& there, const std::string& here);

}  // namespace jsc
