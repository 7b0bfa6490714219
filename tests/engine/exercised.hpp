// Which kernels of the table the tests have run, so that test_kernels.cpp can fail for one they forgot.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <utility>

#include "engine/cpu.hpp"

namespace jsc {

inline std::set<std::pair<Isa, std::string>>& exercised_kernels() {
  static std::set<std::pair<Isa, std::string>> kernels;
  return kernels;
}

inline void exercised(Isa isa, std::initializer_list<const char*> names) {
  for (const char* name : names) exercised_kernels().insert({isa, name});
}

}  // namespace jsc
