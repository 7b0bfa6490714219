#include "graph/module.hpp"

namespace jsc {

void Module::initialize(RandomStream) {}

NumberType Module::number_type(std::string_view) const {
  return {};
}

Variable Module::parameter_variable(Tape& tape, std::string_view name, std::string_view path) {
  for (Parameter& parameter : parameters_)
    if (parameter.name == name)
      return tape.parameter(parameter.value, parameter.gradient, fmt::format("{}.{}", path, name));
  return {};
}

}  // namespace jsc
