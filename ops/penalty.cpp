#include "ops/penalty.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "engine/threads.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc {
namespace {

template <class Partial>
double sum_parts(std::size_t size, const Partial& partial) {
  constexpr std::size_t kPart = static_cast<std::size_t>(kSampleBlock);
  double total = 0.0;
  for (std::size_t begin = 0; begin < size; begin += kPart)
    total += static_cast<double>(partial(begin, static_cast<Index>(std::min(kPart, size - begin))));
  return total;
}

}  // namespace

double add_l1_gradient(const Execution& execution, std::span<const float> values, std::span<float> gradients,
                       double lambda) {
  if (values.size() != gradients.size())
    fail("l1 penalty: expected as many gradients as values, found {} and {}", gradients.size(),
         values.size());
  const OpsKernels& kernels = ops_kernels(execution.isa);
  return lambda * sum_parts(values.size(), [&](std::size_t i, Index n) {
           return kernels.l1_penalty(n, static_cast<float>(lambda), values.data() + i, gradients.data() + i);
         });
}

double clip_gradient_norm(const Execution& execution, std::span<float> gradients, double limit) {
  if (!(limit > 0.0)) fail("gradient clipping: expected a norm above 0, found {}", limit);
  const OpsKernels& kernels = ops_kernels(execution.isa);
  const double norm = std::sqrt(sum_parts(gradients.size(), [&](std::size_t i, Index n) {
    return kernels.sum_squares(n, gradients.data() + i);
  }));
  const double factor = limit / (norm + 1e-6);
  if (!(factor >= 1.0))
    kernels.scale(static_cast<Index>(gradients.size()), static_cast<float>(factor), gradients.data(),
                  gradients.data(), false);
  return norm;
}

}  // namespace jsc
