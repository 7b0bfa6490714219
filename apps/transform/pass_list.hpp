// The passes that this program has: those of each library, joined, in the order of `jsc-train passes`.
#pragma once

#include <string_view>
#include <vector>

#include "graph/passes/pass.hpp"

namespace jsc {

const std::vector<Pass>& available_passes();

// Throws Error with the nearest name if there is no such pass, or says that MASE has it and this build has
// not.
const Pass& find_pass(std::string_view name, const std::vector<Pass>& passes = available_passes());

}  // namespace jsc
