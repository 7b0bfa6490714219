// y = aᵀ;  d_a = d_yᵀ. For parameters: small, and read as a whole.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

// Used for both directions; rows and columns of `to` are those of `from` swapped.
void transpose_matrix(ConstMatrix from, Matrix to, bool accumulate);

Variable transpose(Tape& tape, Variable a);

}  // namespace jsc
