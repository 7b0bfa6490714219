#include "engine/gemm_blas.hpp"

#include <cblas.h>

#include <algorithm>
#include <string_view>

namespace jsc {

namespace {

void set_threads(const Execution& execution) {
  if (openblas_get_num_threads() != execution.threads) openblas_set_num_threads(execution.threads);
}

void sgemm(const Execution& execution, CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, ConstMatrix a,
           ConstMatrix b, Index k, float beta, Matrix c) {
  set_threads(execution);
  cblas_sgemm(CblasRowMajor, trans_a, trans_b, static_cast<blasint>(c.rows), static_cast<blasint>(c.cols),
              static_cast<blasint>(k), 1.0F, a.data, static_cast<blasint>(a.stride), b.data,
              static_cast<blasint>(b.stride), beta, c.data, static_cast<blasint>(c.stride));
}

// Of x86-64, as openblas_get_corename() spells them.
constexpr std::string_view kCoresWithoutAvx2[] = {
    "Prescott", "Core2",        "Penryn",    "Dunnington", "Nehalem",   "Sandybridge", "Atom",       "Nano",
    "Opteron",  "Opteron_SSE3", "Barcelona", "Bobcat",     "Bulldozer", "Piledriver",  "Steamroller"};

}  // namespace

std::string outdated_blas_core() {
  const std::string core = openblas_get_corename();
  const bool outdated = detected_isa() >= Isa::avx2 &&
                        std::ranges::find(kCoresWithoutAvx2, core) != std::ranges::end(kCoresWithoutAvx2);
  return outdated ? core : "";
}

// Measured on one core of an Emerald Rapids (AVX-512), ours / OpenBLAS 0.3.21 with its kernels for SkylakeX,
// cubes of 256, 512 and 1024: forward 1.13, 0.96, 0.91; d_x 1.17, 0.97, 0.94; d_w 0.92, 0.91, 0.82. The Zen 3
// (AVX2) had the same limits.
bool blas_is_faster(const Execution& execution, GemmRole role, Index out, Index in, Index batch) {
  const Index smallest = role == GemmRole::backward_weight ? 256 : 512;
  if (!execution.allow_blas || std::min({out, in, batch}) < smallest) return false;
  static const bool outdated = !outdated_blas_core().empty();
  return !outdated;
}

void blas_forward(const Execution& execution, ConstMatrix w, const float* bias, ConstMatrix x, Matrix y) {
  if (bias != nullptr)
    for (Index o = 0; o < y.rows; ++o) std::fill_n(y.row(o), y.cols, bias[o]);
  sgemm(execution, CblasNoTrans, CblasNoTrans, w, x, w.cols, bias != nullptr ? 1.0F : 0.0F, y);
}

void blas_backward_input(const Execution& execution, ConstMatrix w, ConstMatrix d_y, Matrix d_x,
                         bool accumulate) {
  sgemm(execution, CblasTrans, CblasNoTrans, w, d_y, w.rows, accumulate ? 1.0F : 0.0F, d_x);
}

void blas_backward_weight(const Execution& execution, ConstMatrix d_y, ConstMatrix x, Matrix d_w,
                          bool accumulate) {
  sgemm(execution, CblasNoTrans, CblasTrans, d_y, x, x.cols, accumulate ? 1.0F : 0.0F, d_w);
}

}  // namespace jsc
