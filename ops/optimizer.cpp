#include "ops/optimizer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "engine/error.hpp"
#include "engine/threads.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc {
namespace {

// A thread more for each so many parameters; each is updated alone, so their number does not matter to the
// result.
constexpr Index kParametersPerThread = 4096;

template <class Update>
void for_each_part(const Execution& execution, Index size, const Update& update) {
  const Index parts = std::clamp<Index>(size / kParametersPerThread, 1, execution.threads);
  const Index part_size = round_up((size + parts - 1) / parts, kLanes);
  parallel_for(execution.threads, parts, [&](Index part) {
    const Index begin = std::min(size, part * part_size);
    update(begin, std::min(part_size, size - begin));
  });
}

void check_sizes(Index expected, std::size_t values, std::size_t gradients) {
  if (values != static_cast<std::size_t>(expected) || gradients != values)
    fail("optimizer step: expected {} values and gradients, found {} and {}", expected, values, gradients);
}

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, Index size) : options_(options), size_(size) {
    if (options.momentum != 0.0) momentum_buffer_ = make_aligned<float>(size);
  }

  void step(const Execution& execution, std::span<float> values, std::span<const float> gradients,
            double learning_rate) override {
    check_sizes(size_, values.size(), gradients.size());
    const SgdStep step{static_cast<float>(learning_rate), static_cast<float>(options_.weight_decay),
                       static_cast<float>(options_.momentum), options_.nesterov};
    const OpsKernels& kernels = ops_kernels(execution.isa);
    float* buffer = momentum_buffer_.get();
    for_each_part(execution, size_, [&](Index i, Index n) {
      kernels.sgd_step(n, step, values.data() + i, gradients.data() + i,
                       buffer != nullptr ? buffer + i : nullptr);
    });
    ++steps_taken;
  }

  std::string_view name() const override { return "sgd"; }

  std::vector<StateArray> state() override {
    if (!momentum_buffer_) return {};
    return {{"momentum_buffer", {momentum_buffer_.get(), static_cast<std::size_t>(size_)}}};
  }

 private:
  OptimizerOptions options_;
  Index size_;
  AlignedArray<float> momentum_buffer_;
};

// base^n for rising n: the multiplications of power() (engine/math.hpp) with its squares kept.
class Powers {
 public:
  explicit Powers(double base) {
    for (double& square : squares_) {
      square = base;
      base *= base;
    }
  }
  double operator()(std::int64_t n) const {
    double result = 1.0;
    for (auto left = static_cast<std::uint64_t>(n); left != 0; left &= left - 1)
      result *= squares_[static_cast<std::size_t>(std::countr_zero(left))];
    return result;
  }

 private:
  std::array<double, 63> squares_;
};

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerOptions& options, Index size, bool decoupled)
      : options_(options),
        size_(size),
        decoupled_(decoupled),
        powers1_(options.beta1),
        powers2_(options.beta2),
        exp_avg_(make_aligned<float>(size)),
        exp_avg_sq_(make_aligned<float>(size)) {}

  void step(const Execution& execution, std::span<float> values, std::span<const float> gradients,
            double learning_rate) override {
    check_sizes(size_, values.size(), gradients.size());
    ++steps_taken;
    const double beta1 = options_.beta1, beta2 = options_.beta2;
    AdamStep step{};
    step.weight_decay = decoupled_ ? 0.0F : static_cast<float>(options_.weight_decay);
    step.shrink = decoupled_ ? static_cast<float>(1.0 - learning_rate * options_.weight_decay) : 1.0F;
    step.beta1 = static_cast<float>(beta1);
    step.beta2 = static_cast<float>(beta2);
    step.one_minus_beta1 = static_cast<float>(1.0 - beta1);
    step.one_minus_beta2 = static_cast<float>(1.0 - beta2);
    step.step_size = static_cast<float>(learning_rate / (1.0 - powers1_(steps_taken)));
    step.bias_correction2_sqrt = static_cast<float>(std::sqrt(1.0 - powers2_(steps_taken)));
    step.eps = static_cast<float>(options_.eps);
    const OpsKernels& kernels = ops_kernels(execution.isa);
    for_each_part(execution, size_, [&](Index i, Index n) {
      kernels.adam_step(n, step, values.data() + i, gradients.data() + i, exp_avg_.get() + i,
                        exp_avg_sq_.get() + i);
    });
  }

  std::string_view name() const override { return decoupled_ ? "adamw" : "adam"; }

  std::vector<StateArray> state() override {
    const std::size_t n = static_cast<std::size_t>(size_);
    return {{"exp_avg", {exp_avg_.get(), n}}, {"exp_avg_sq", {exp_avg_sq_.get(), n}}};
  }

 private:
  OptimizerOptions options_;
  Index size_;
  bool decoupled_;
  Powers powers1_, powers2_;
  AlignedArray<float> exp_avg_, exp_avg_sq_;
};

void require_range(const char* what, double value, double lo, double hi) {
  if (!(value >= lo && value < hi))
    fail("optimizer, {}: expected at least {} and below {}, found {}", what, lo, hi, value);
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Index size) {
  constexpr double kNoLimit = HUGE_VAL;
  if (size < 1) fail("optimizer: expected at least one parameter, found {}", size);
  require_range("weight decay", options.weight_decay, 0.0, kNoLimit);
  if (options.name == "sgd") {
    require_range("momentum", options.momentum, 0.0, kNoLimit);
    if (options.nesterov && options.momentum == 0.0)
      fail("optimizer, sgd: nesterov expects a momentum above 0, found 0");
    return std::make_unique<Sgd>(options, size);
  }
  if (options.name == "adam" || options.name == "adamw") {
    require_range("beta1", options.beta1, 0.0, 1.0);
    require_range("beta2", options.beta2, 0.0, 1.0);
    require_range("eps", options.eps, 0.0, kNoLimit);
    return std::make_unique<Adam>(options, size, options.name == "adamw");
  }
  fail("optimizer: expected sgd, adam or adamw, found '{}'", options.name);
}

}  // namespace jsc
