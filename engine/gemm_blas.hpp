// OpenBLAS for large products, outside the reproducibility contract: bits depend on its version, the
// processor and the threads. Shapes are checked by gemm.cpp, the only caller beside benches.
#pragma once

#include <string>

#include "engine/execution.hpp"
#include "engine/tensor.hpp"

namespace jsc {

enum class GemmRole { forward, backward_input, backward_weight };

// The core whose kernels OpenBLAS chose, if these do without the AVX2 that this processor has; else empty.
// OpenBLAS 0.3.21 takes processors that are newer than itself for a Prescott and is then four times slower.
std::string outdated_blas_core();

// Whether execution admits OpenBLAS, its core is not outdated, and it was measured to be faster at this size.
bool blas_is_faster(const Execution& execution, GemmRole role, Index out, Index in, Index batch);

void blas_forward(const Execution& execution, ConstMatrix w, const float* bias, ConstMatrix x, Matrix y);
void blas_backward_input(const Execution& execution, ConstMatrix w, ConstMatrix d_y, Matrix d_x,
                         bool accumulate);
void blas_backward_weight(const Execution& execution, ConstMatrix d_y, ConstMatrix x, Matrix d_w,
                          bool accumulate);

}  // namespace jsc
