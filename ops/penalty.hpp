// What is done to gradients between backward() and the optimizer's step.
//   L1:    adds lambda·sign(w) to the gradient; the loss grows by lambda·sum |w|  (Tibshirani 1996; sign(0) =
//   0) clip:  g *= min(1, limit / (|g| + 1e-6)), |g| the norm over all gradients     (Pascanu et al., ICML
//   2013;
//          torch.nn.utils.clip_grad_norm_)
// Sums run over parts of kSampleBlock floats and are added in double in ascending order: the bits depend on
// nothing but the data.
#pragma once

#include <span>

#include "engine/execution.hpp"

namespace jsc {

// Yields lambda·sum |w|.
double add_l1_gradient(const Execution& execution, std::span<const float> values, std::span<float> gradients,
                       double lambda);

// Yields the norm before clipping. A norm that is not finite spoils the gradients, as in PyTorch.
double clip_gradient_norm(const Execution& execution, std::span<float> gradients, double limit);

}  // namespace jsc
