// libxsmm's dispatched kernels, which are column-major: C[m x n] = A[m x k] B[k x n], no prefetch, weights
// transposed beforehand where its kernel wants that.
#include <libxsmm.h>

#include <memory>

#include "bench/peers/gemm_peers.hpp"

namespace jsc {

namespace {

using Kernel = libxsmm_smmfunction;

Kernel dispatch(Index m, Index n, Index k, Index lda, Index ldb, Index ldc, bool trans_b, float beta = 0.0F) {
  const auto narrow = [](Index i) { return static_cast<libxsmm_blasint>(i); };
  const libxsmm_blasint a = narrow(lda), b = narrow(ldb), c = narrow(ldc);
  const float alpha = 1.0F;
  const int flags = trans_b ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  return libxsmm_smmdispatch(narrow(m), narrow(n), narrow(k), &a, &b, &c, &alpha, &beta, &flags, &prefetch);
}

// A batch [features][batch] cut into panels [features][width], each dense.
struct Panels {
  Index features, width;
  AlignedArray<float> data;
  Panels(Index f, Index batch, Index w) : features(f), width(w), data(make_aligned<float>(f * batch)) {}
  Index at(Index f, Index b) const { return (b / width * features + f) * width + b % width; }
};

Panels cut(ConstMatrix m, Index width) {
  Panels panels(m.rows, m.cols, width);
  for (Index r = 0; r < m.rows; ++r)
    for (Index c = 0; c < m.cols; ++c) panels.data[panels.at(r, c)] = m(r, c);
  return panels;
}

// forward and d_x: a panel [k][width] times the weights gives a panel [n][width]. Dense panels, or panels of
// rows of all samples.
void add_panel_forms(const GemmProblem& p, Index width, bool dense, std::vector<GemmForm>& forms) {
  const bool forward = p.role == GemmRole::forward;
  const ConstMatrix from = forward ? p.x : p.d_y;
  const Index k = from.rows, n = p.result_rows(), batch = p.batch();
  if (batch % width != 0) return;
  struct Operands {
    DenseCopy weights;  // column-major [k x n]
    Panels from, to;
  };
  const Index whole = dense ? width : batch;
  auto o = std::make_shared<Operands>(
      Operands{DenseCopy(p.w, !forward), cut(from, whole), Panels(n, batch, whole)});
  const Kernel kernel = dispatch(width, n, k, whole, k, whole, false);
  if (kernel == nullptr) return;
  const Index from_step = dense ? k * width : width, to_step = dense ? n * width : width;
  forms.push_back({(dense ? "dense panels of " : "panels of ") + std::to_string(width),
                   [=] {
                     const float* a = o->from.data.get();
                     float* c = o->to.data.get();
                     for (Index b = 0; b < batch; b += width, a += from_step, c += to_step)
                       kernel(a, o->weights.data.get(), c);
                   },
                   [=](Index row, Index col) -> float& { return o->to.data[o->to.at(row, col)]; }});
}

// forward and d_x with activations as [batch][features], that is column-major [features x batch].
void add_row_major_form(const GemmProblem& p, std::vector<GemmForm>& forms) {
  const bool forward = p.role == GemmRole::forward;
  const ConstMatrix from = forward ? p.x : p.d_y;
  const Index k = from.rows, m = p.result_rows(), batch = p.batch();
  struct Operands {
    DenseCopy weights, from, to;
  };
  auto o = std::make_shared<Operands>(
      Operands{DenseCopy(p.w, forward), DenseCopy(from, true), DenseCopy(batch, m)});
  const Kernel kernel = dispatch(m, batch, k, m, k, m, false);
  if (kernel == nullptr) return;
  forms.push_back({"row-major", [=] { kernel(o->weights.data.get(), o->from.data.get(), o->to.data.get()); },
                   [=](Index row, Index col) -> float& { return o->to.data[col * m + row]; }});
}

// d_w with activations as [batch][features]: `width` samples at a time, which are added to those before.
void add_weight_form(const GemmProblem& p, Index width, std::vector<GemmForm>& forms) {
  const Index in = p.in(), out = p.out(), batch = p.batch();
  if (batch % width != 0) return;
  struct Operands {
    DenseCopy x, d_y, d_w;
  };
  auto o =
      std::make_shared<Operands>(Operands{DenseCopy(p.x, true), DenseCopy(p.d_y, true), DenseCopy(out, in)});
  const Kernel first = dispatch(in, out, width, in, out, in, true),
               more = dispatch(in, out, width, in, out, in, true, 1.0F);
  if (first == nullptr || more == nullptr) return;
  forms.push_back({"row-major, " + std::to_string(width) + " samples at a time",
                   [=] {
                     const float *x = o->x.data.get(), *d_y = o->d_y.data.get();
                     float* d_w = o->d_w.data.get();
                     first(x, d_y, d_w);
                     for (Index b = width; b < batch; b += width) more(x + b * in, d_y + b * out, d_w);
                   },
                   [=](Index row, Index col) -> float& { return o->d_w.data[row * in + col]; }});
}

}  // namespace

std::vector<GemmForm> libxsmm_forms(const GemmProblem& problem) {
  std::vector<GemmForm> forms;
  const bool to_weights = problem.role == GemmRole::backward_weight;
  if (!to_weights) add_row_major_form(problem, forms);
  for (Index width : {16, 32, 64, 128, 256, 512, 1024, 4096}) {
    if (width > problem.batch()) break;
    if (to_weights) {
      add_weight_form(problem, width, forms);
    } else {
      for (bool dense : {true, false}) add_panel_forms(problem, width, dense, forms);
    }
  }
  return forms;
}

}  // namespace jsc
