// What moves the parameters: SGD, Adam and AdamW, each as PyTorch defines it, over the flat parameter block
// (all parameters in one array; padding is zero and stays zero). t counts the steps from 1, g is the
// gradient.
//   sgd    g += weight_decay·w;  u = momentum·u + g from u = 0;  w -= rate·u
//          Nesterov: w -= rate·(g + momentum·u)                     (Sutskever et al., ICML 2013; dampening
//          0)
//   adam   g += weight_decay·w;  m = beta1·m + (1-beta1)·g;  v = beta2·v + (1-beta2)·g²
//          w -= rate/(1-beta1^t)·m / (sqrt(v)/sqrt(1-beta2^t) + eps)     (Kingma and Ba, ICLR 2015)
//   adamw  w *= 1 - rate·weight_decay, then adam without the first term  (Loshchilov and Hutter, ICLR 2019)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/execution.hpp"
#include "engine/tensor.hpp"

namespace jsc {

struct OptimizerOptions {
  std::string name = "adam";  // sgd, adam, adamw
  double weight_decay = 0.0;
  double momentum = 0.0;                          // sgd
  bool nesterov = false;                          // sgd; needs momentum
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam, adamw
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update with the given learning rate. Both spans have the size given at construction.
  virtual void step(const Execution& execution, std::span<float> values, std::span<const float> gradients,
                    double learning_rate) = 0;
  virtual std::string_view name() const = 0;

  // All that a later run needs to continue to the same bits: the number of steps taken and these arrays,
  // which may be read and written. Names are PyTorch's: momentum_buffer, exp_avg, exp_avg_sq.
  struct StateArray {
    std::string_view name;
    std::span<float> values;
  };
  virtual std::vector<StateArray> state() = 0;
  std::int64_t steps_taken = 0;
};

// For a block of `size` floats. Throws Error for an unknown name or an option out of range.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Index size);

}  // namespace jsc
