// Matrix products of the three roles of a linear layer, and the row sums of its bias, on feature-major
// activations (tensor.hpp). engine/kernels/reference.hpp is the normative order of operations: every path
// gives its bits, for every ISA and thread count, except OpenBLAS, which takes over above a measured size
// when execution.allow_blas says so.
//
// Views come by reference: a view of constants made for a call by value is written in four parts and copied
// in two, and the copy waits for the parts, longer than a small product takes.
//
// Shapes disagree -> Error. Matrices that are written must not overlap those that are read.
#pragma once

#include "engine/execution.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// y[out][batch] = w[out][in] x[in][batch] + bias[out], with relu max(0, that), where a NaN stays a NaN; bias
// may be null. Columns of y up to the next multiple of 16 may be written. OpenBLAS does no relu.
void gemm_forward(const Execution& execution, const ConstMatrix& w, const float* bias, const ConstMatrix& x,
                  const Matrix& y, bool relu = false);

// y[out][batch] = max(0, fma(w[out][in] x[in][batch] + bias, factor, summand)) with bias, factor and summand
// of each output in `ends`, [out][3]: to the bit what gemm_forward and a batch normalization with its
// statistics come to one after the other. At most kMostNormalized inputs and outputs. Columns of y as above;
// no OpenBLAS.
inline constexpr Index kMostNormalized = 256;
void gemm_forward_normalized(const Execution& execution, const ConstMatrix& w, const float* ends,
                             const ConstMatrix& x, const Matrix& y);

// d_x[in][batch] (+)= w[out][in]^T d_y[out][batch]. Columns of d_x up to the next multiple of 16 may be
// written.
void gemm_backward_input(const Execution& execution, const ConstMatrix& w, const ConstMatrix& d_y,
                         const Matrix& d_x, bool accumulate);

// d_w[out][in] (+)= d_y[out][batch] x[in][batch]^T
void gemm_backward_weight(const Execution& execution, const ConstMatrix& d_y, const ConstMatrix& x,
                          const Matrix& d_w, bool accumulate);

// sums[r] (+)= sum of a's row r, for bias gradients
void row_sums(const Execution& execution, const ConstMatrix& a, float* sums, bool accumulate);

}  // namespace jsc
