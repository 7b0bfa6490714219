#include "engine/gemm.hpp"

#include "engine/kernels/reference.hpp"

namespace jsc {

namespace {

void expect_shape(const char* product, const char* name, ConstMatrix a, Index rows, Index cols) {
  if (a.rows != rows || a.cols != cols)
    fail("{}: {} should be {} x {}, found {} x {}", product, name, rows, cols, a.rows, a.cols);
}

}  // namespace

void gemm_forward(const Execution&, ConstMatrix w, const float* bias, ConstMatrix x, Matrix y) {
  expect_shape("gemm_forward", "x", x, w.cols, y.cols);
  expect_shape("gemm_forward", "y", y, w.rows, x.cols);
  reference::gemm_forward(w, bias, x, y);
}

void gemm_backward_input(const Execution&, ConstMatrix w, ConstMatrix d_y, Matrix d_x, bool accumulate) {
  expect_shape("gemm_backward_input", "d_y", d_y, w.rows, d_x.cols);
  expect_shape("gemm_backward_input", "d_x", d_x, w.cols, d_y.cols);
  reference::gemm_backward_input(w, d_y, d_x, accumulate);
}

void gemm_backward_weight(const Execution&, ConstMatrix d_y, ConstMatrix x, Matrix d_w, bool accumulate) {
  expect_shape("gemm_backward_weight", "x", x, d_w.cols, d_y.cols);
  expect_shape("gemm_backward_weight", "d_w", d_w, d_y.rows, x.rows);
  reference::gemm_backward_weight(d_y, x, d_w, accumulate);
}

void row_sums(const Execution&, ConstMatrix a, float* sums, bool accumulate) {
  reference::row_sums(a, sums, accumulate);
}

}  // namespace jsc
