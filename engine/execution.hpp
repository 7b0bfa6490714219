// How work is to be executed: passed by value to whatever computes. Nothing here may change a result's bits,
// except allow_blas, which admits OpenBLAS for large products (outside the reproducibility contract).
#pragma once

#include "engine/cpu.hpp"

namespace jsc {

struct Execution {
  Isa isa = detected_isa();
  int threads = 1;         // at least 1
  bool allow_blas = true;  // OpenBLAS above a measured size
};

}  // namespace jsc
