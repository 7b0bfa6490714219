// Product of two matrices (torch.matmul of two dimensions), a [m][k], b [k][n].
//   y = a b
//   d_a = d_y bᵀ,  d_b = aᵀ d_y
// Petersen and Pedersen, The Matrix Cookbook (2012), section 2.5. The products are engine/gemm.hpp.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

void matmul_forward(const Execution& execution, ConstMatrix a, ConstMatrix b, Matrix y);
void matmul_backward_left(const Execution& execution, ConstMatrix b, ConstMatrix d_y, Matrix d_a,
                          bool accumulate);
void matmul_backward_right(const Execution& execution, ConstMatrix a, ConstMatrix d_y, Matrix d_b,
                           bool accumulate);

Variable matmul(Tape& tape, Variable a, Variable b);

}  // namespace jsc
