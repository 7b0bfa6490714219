// Counts calls of operator new, for tests that promise none. Link allocations.cpp into one executable.
#pragma once

#include <cstdint>

namespace jsc {

std::int64_t allocation_count();

}  // namespace jsc
