// The kernels of ops for AVX-512.
#include "engine/kernels/lanes_avx512.hpp"
#include "ops/kernels/batch_norm_kernels.hpp"
#include "ops/kernels/elementwise_kernels.hpp"
#include "ops/kernels/loss_kernels.hpp"
#include "ops/kernels/ops_kernels.hpp"
#include "ops/kernels/optimizer_kernels.hpp"

namespace jsc {
namespace {

struct Lanes {
  using F32 = lanes_avx512::F32x16;
  using I32 = lanes_avx512::I32x16;
  using Mask = lanes_avx512::Mask16;
  using Divisor = lanes_avx512::Divisor;
  using Total = lanes_avx512::Total;
  static Mask first(int n) { return lanes_avx512::first_lanes(n); }
  static float sum(F32 v) { return lanes_avx512::sum(v); }
  static F32 sum_lanes(const F32* sums) { return lanes_avx512::sum_lanes(sums); }
  static F32 exp(F32 x) { return exp_lanes(x); }
  static F32 log(F32 x) { return log_lanes(x); }
};

}  // namespace

const OpsKernels kOpsKernelsAvx512 = {
#define JSC_OPS_KERNEL(name, result, arguments) ops_kernels_detail::name<Lanes>,
#include "ops/kernels/kernels.inc"
#undef JSC_OPS_KERNEL
};

}  // namespace jsc
