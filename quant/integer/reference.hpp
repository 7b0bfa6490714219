// The normative executor of integer networks: one sample after the other, one number after the other, with
// the casts of quant/fixed. It is compiled with -mgeneral-regs-only where the compiler has that, so no
// floating point can hide in it; every other executor equals it.
#pragma once

#include <cstdint>

#include "quant/integer/program.hpp"

namespace jsc {

// values[v] is [samples][features] of value v: sample after sample, unlike everywhere else. Those of
// program.inputs are filled in, all others get computed. Allocates nothing. The program has passed check().
void run_reference(const IntegerProgram& program, std::int64_t samples, std::int64_t* const* values);

}  // namespace jsc
