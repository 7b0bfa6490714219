// The [passes.NAME] tables of a TOML file, in the order in which the file names them; and back.
#pragma once

#include <string>
#include <vector>

#include "apps/settings/settings.hpp"
#include "apps/transform/pass_list.hpp"

namespace jsc {

struct PassCall {
  const Pass* pass = nullptr;
  MetaValue options;  // complete
  std::string where;  // "config 'F.toml', line 3", for messages
};

// "NA" is null, inside lists too. Throws Error naming file and line for a pass or an option that does not
// exist (with the nearest name), for an option of the wrong type, and for a file without passes.
std::vector<PassCall> read_passes(const std::string& path,
                                  const std::vector<Pass>& passes = available_passes());

// A file with settings of `settings` and, where it has a [passes] table, passes; none: no passes. Other
// tables named in `ignored` are left to others.
std::vector<PassCall> read_config_with_passes(Settings& settings, const std::string& path,
                                              std::vector<std::string> ignored = {});

// The same tables with every option, as text that read_passes takes.
std::string passes_to_toml(const std::vector<PassCall>& calls);

}  // namespace jsc
