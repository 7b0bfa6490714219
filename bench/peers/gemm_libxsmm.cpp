// libxsmm's dispatched kernels, which are column-major: C[m x n] = A[m x k] B[k x n], beta 0, no prefetch,
// weights transposed beforehand where its kernel wants that.
#include <libxsmm.h>

#include <memory>

#include "bench/peers/gemm_peers.hpp"

namespace jsc {

namespace {

using Kernel = libxsmm_smmfunction;

Kernel dispatch(Index m, Index n, Index k, Index lda, Index ldb, Index ldc, bool trans_b) {
  const auto narrow = [](Index i) { return static_cast<libxsmm_blasint>(i); };
  const libxsmm_blasint a = narrow(lda), b = narrow(ldb), c = narrow(ldc);
  const float alpha = 1.0F, beta = 0.0F;
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
// the rows of our layout.
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
                   [=](Index row, Index col) { return o->to.data[o->to.at(row, col)]; }});
}

// Activations as [batch][features], that is column-major [features x batch].
void add_row_major_form(const GemmProblem& p, std::vector<GemmForm>& forms) {
  struct Operands {
    DenseCopy a, b, c;
  };
  const Index in = p.in(), out = p.out(), batch = p.batch();
  const auto add = [&](Operands operands, Kernel kernel, bool weights) {
    if (kernel == nullptr) return;
    auto o = std::make_shared<Operands>(std::move(operands));
    forms.push_back(
        {"row-major", [=] { kernel(o->a.data.get(), o->b.data.get(), o->c.data.get()); },
         [=](Index r, Index c) { return o->c.data[weights ? r * o->c.cols + c : c * o->c.cols + r]; }});
  };
  if (p.role == GemmRole::forward)
    add({DenseCopy(p.w, true), DenseCopy(p.x, true), DenseCopy(batch, out)},
        dispatch(out, batch, in, out, in, out, false), false);
  else if (p.role == GemmRole::backward_input)
    add({DenseCopy(p.w, false), DenseCopy(p.d_y, true), DenseCopy(batch, in)},
        dispatch(in, batch, out, in, out, in, false), false);
  else
    add({DenseCopy(p.x, true), DenseCopy(p.d_y, true), DenseCopy(out, in)},
        dispatch(in, out, batch, in, out, in, true), true);
}

}  // namespace

std::vector<GemmForm> libxsmm_forms(const GemmProblem& problem) {
  std::vector<GemmForm> forms;
  add_row_major_form(problem, forms);
  if (problem.role != GemmRole::backward_weight)
    for (Index width : {16, 32, 48, 64, 128, 256, 512, 1024, 4096})
      if (width <= problem.batch())
        for (bool dense : {true, false}) add_panel_forms(problem, width, dense, forms);
  return forms;
}

}  // namespace jsc
