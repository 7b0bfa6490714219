// The libraries that bench_gemm compares with. Each offers every form in which it could serve a layer:
// layouts, panel widths, weights transposed or packed beforehand. The bench takes the fastest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/gemm_blas.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// One product: w [out][in], x [in][batch], d_y [out][batch] in our layouts; the views outlive the forms.
struct GemmProblem {
  GemmRole role;
  ConstMatrix w, x, d_y;
  int threads;
  Index in() const { return w.cols; }
  Index out() const { return w.rows; }
  Index batch() const { return x.cols; }
  Index result_rows() const { return role == GemmRole::backward_input ? in() : out(); }
  Index result_cols() const { return role == GemmRole::backward_weight ? in() : batch(); }
};

// A form owns copies of the operands in its layout. All compute without bias and overwrite the result.
struct GemmForm {
  std::string name;
  std::function<void()> run;
  std::function<float&(Index row, Index col)> result;  // in our orientation
};

std::vector<GemmForm> openblas_forms(const GemmProblem& problem);
std::vector<GemmForm> libxsmm_forms(const GemmProblem& problem);  // one thread only
std::vector<GemmForm> onednn_forms(const GemmProblem& problem);

// A dense copy, row by row; transposed: [cols][rows].
struct DenseCopy {
  AlignedArray<float> data;
  Index rows, cols;
  DenseCopy(ConstMatrix m, bool transposed)
      : data(make_aligned<float>(m.size())),
        rows(transposed ? m.cols : m.rows),
        cols(transposed ? m.rows : m.cols) {
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) data[r * cols + c] = transposed ? m(c, r) : m(r, c);
  }
  DenseCopy(Index r, Index c) : data(make_aligned<float>(r * c)), rows(r), cols(c) {}
};

}  // namespace jsc
