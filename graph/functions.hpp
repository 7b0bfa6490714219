// The functions that a call_function node can run: no parameters, one row of a table each.
#pragma once

#include <span>
#include <string_view>

#include "engine/tape.hpp"

namespace jsc {

struct Function {
  std::string_view name;
  std::string_view fx_target;                               // as torch.fx prints it
  Index (*output_features)(std::span<const Index> inputs);  // throws Error if they do not fit
  Variable (*record)(Tape& tape, std::span<const Variable> inputs);
};

std::span<const Function> functions();

// Throws Error that lists the functions if there is none of that name.
const Function& find_function(std::string_view name);

}  // namespace jsc
