#include <cblas.h>

#include <memory>

#include "bench/peers/gemm_peers.hpp"

namespace jsc {

namespace {

int narrow(Index i) {
  return static_cast<int>(i);
}

// Our layout, as --blas would call it.
GemmForm feature_major(const GemmProblem& p) {
  auto result = std::make_shared<Tensor>(p.result_rows(), p.result_cols());
  const Execution execution{detected_isa(), p.threads, true};
  return {"feature-major",
          [=] {
            if (p.role == GemmRole::forward)
              blas_forward(execution, p.w, nullptr, p.x, result->view());
            else if (p.role == GemmRole::backward_input)
              blas_backward_input(execution, p.w, p.d_y, result->view(), false);
            else
              blas_backward_weight(execution, p.d_y, p.x, result->view(), false);
          },
          [=](Index r, Index c) -> float& { return (*result)(r, c); }};
}

// Activations as [batch][features].
GemmForm row_major(const GemmProblem& p) {
  struct Operands {
    DenseCopy w, x, d_y, result;
  };
  const bool weights = p.role == GemmRole::backward_weight;
  auto o = std::make_shared<Operands>(
      Operands{DenseCopy(p.w, false), DenseCopy(p.x, true), DenseCopy(p.d_y, true),
               weights ? DenseCopy(p.out(), p.in()) : DenseCopy(p.batch(), p.result_rows())});
  const int in = narrow(p.in()), out = narrow(p.out()), batch = narrow(p.batch());
  return {"row-major",
          [=] {
            if (openblas_get_num_threads() != p.threads) openblas_set_num_threads(p.threads);
            const auto gemm = [](auto trans_a, auto trans_b, int m, int n, int k, const DenseCopy& a,
                                 const DenseCopy& b, DenseCopy& c) {
              cblas_sgemm(CblasRowMajor, trans_a, trans_b, m, n, k, 1.0F, a.data.get(), narrow(a.cols),
                          b.data.get(), narrow(b.cols), 0.0F, c.data.get(), narrow(c.cols));
            };
            if (p.role == GemmRole::forward)
              gemm(CblasNoTrans, CblasTrans, batch, out, in, o->x, o->w, o->result);
            else if (p.role == GemmRole::backward_input)
              gemm(CblasNoTrans, CblasNoTrans, batch, in, out, o->d_y, o->w, o->result);
            else
              gemm(CblasTrans, CblasNoTrans, out, in, batch, o->d_y, o->x, o->result);
          },
          [=](Index r, Index c) -> float& {
            return o->result.data[weights ? r * p.in() + c : c * p.result_rows() + r];
          }};
}

}  // namespace

std::vector<GemmForm> openblas_forms(const GemmProblem& problem) {
  return {feature_major(problem), row_major(problem)};
}

}  // namespace jsc
