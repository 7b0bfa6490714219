#include "apps/jsc_fixed/operation.hpp"

#include "engine/error.hpp"
#include "engine/nearest.hpp"

namespace jsc {

const FixedOperationInfo& fixed_operation(std::string_view name) {
  std::array<std::string_view, kFixedOperations.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = kFixedOperations[i].name;
    if (names[i] == name) return kFixedOperations[i];
  }
  fail("unknown operation '{}'{}", name, suggestion(name, names));
}

}  // namespace jsc
