// Trajectories of PyTorch (tests/golden) replayed; and formulas broken on purpose, one at a time, each of
// which the same comparison must reject.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "ops/batch_norm.hpp"
#include "tests/ops/golden_network.hpp"
#include "tests/support/tolerances.hpp"

using namespace jsc;
using namespace jsc::golden;

namespace {

bool agrees(Deviation d) {
  return d.loss <= tolerance::kGoldenLoss && d.value <= tolerance::kGoldenValue;
}

// Adam in plain double with single mistakes.
enum class AdamMistake {
  none,
  eps_inside_root,
  eps_before_correction,
  no_correction1,
  no_correction2,
  correction_late
};

Recipe adam_with(const std::string& name, AdamMistake mistake) {
  Recipe r = recipe(name);
  auto m = std::make_shared<std::vector<double>>(), v = std::make_shared<std::vector<double>>();
  const OptimizerOptions o = r.optimizer;
  const double rate = r.rate;
  r.update = [=](std::span<float> values, std::span<const float> gradients, std::int64_t t) {
    m->resize(values.size());
    v->resize(values.size());
    const double count = static_cast<double>(mistake == AdamMistake::correction_late ? t + 1 : t);
    const double c1 = mistake == AdamMistake::no_correction1 ? 1.0 : 1.0 - std::pow(o.beta1, count);
    const double c2 = mistake == AdamMistake::no_correction2 ? 1.0 : 1.0 - std::pow(o.beta2, count);
    for (std::size_t i = 0; i < values.size(); ++i) {
      double w = static_cast<double>(values[i]), g = static_cast<double>(gradients[i]);
      if (o.name == "adamw")
        w = static_cast<double>(values[i] *
                                static_cast<float>(1.0 - rate * o.weight_decay));  // a step of its own
      else
        g += o.weight_decay * w;
      (*m)[i] = o.beta1 * (*m)[i] + (1.0 - o.beta1) * g;
      (*v)[i] = o.beta2 * (*v)[i] + (1.0 - o.beta2) * g * g;
      double denominator = std::sqrt((*v)[i] / c2) + o.eps;
      if (mistake == AdamMistake::eps_inside_root) denominator = std::sqrt((*v)[i] / c2 + o.eps);
      if (mistake == AdamMistake::eps_before_correction)
        denominator = (std::sqrt((*v)[i]) + o.eps) / std::sqrt(c2);
      values[i] = static_cast<float>(w - rate / c1 * (*m)[i] / denominator);
    }
  };
  return r;
}

struct Mistake {
  const char* what;
  const char* run;
  Recipe recipe;
};

template <class Change>
Recipe changed(const char* run, const Change& change) {
  Recipe r = recipe(run);
  change(r);
  return r;
}

std::vector<Mistake> mistakes() {
  const auto scale = [](double factor) {
    return [factor](std::span<float> gradients, double) {
      for (float& g : gradients) g *= static_cast<float>(factor);
    };
  };
  return {
      {"Adam: eps inside the root", "adam_decay", adam_with("adam_decay", AdamMistake::eps_inside_root)},
      {"Adam: eps before the bias correction", "adam_decay",
       adam_with("adam_decay", AdamMistake::eps_before_correction)},
      {"Adam: eps times 1.1", "adam_decay",
       changed("adam_decay", [](Recipe& r) { r.optimizer.eps = 1.1e-4; })},
      {"Adam: eps 1e-7 for 1e-8", "adam", changed("adam", [](Recipe& r) { r.optimizer.eps = 1e-7; })},
      {"Adam: no first bias correction", "adam", adam_with("adam", AdamMistake::no_correction1)},
      {"Adam: no second bias correction", "adam", adam_with("adam", AdamMistake::no_correction2)},
      {"Adam: bias corrections one step late", "adam", adam_with("adam", AdamMistake::correction_late)},
      {"Adam: beta1 0.901", "adam", changed("adam", [](Recipe& r) { r.optimizer.beta1 = 0.901; })},
      {"Adam: beta2 0.9991", "adam", changed("adam", [](Recipe& r) { r.optimizer.beta2 = 0.9991; })},
      {"Adam: decoupled decay", "adam_decay",
       changed("adam_decay", [](Recipe& r) { r.optimizer.name = "adamw"; })},
      {"AdamW: coupled decay", "adamw", changed("adamw", [](Recipe& r) { r.optimizer.name = "adam"; })},
      {"AdamW: decay 1 % off", "adamw",
       changed("adamw", [](Recipe& r) { r.optimizer.weight_decay *= 1.01; })},
      {"SGD: no Nesterov", "sgd_nesterov",
       changed("sgd_nesterov", [](Recipe& r) { r.optimizer.nesterov = false; })},
      {"SGD: dampening, as (1 - momentum) of the gradient", "sgd_nesterov",
       changed("sgd_nesterov", [&](Recipe& r) { r.change_gradients = scale(0.1); })},
      {"SGD: decay 1 % off", "sgd_nesterov",
       changed("sgd_nesterov", [](Recipe& r) { r.optimizer.weight_decay *= 1.01; })},
      {"SGD: rate 0.01 % off", "sgd", changed("sgd", [](Recipe& r) { r.rate *= 1.0001; })},
      {"BatchNorm: biased running variance", "sgd",
       changed("sgd", [](Recipe& r) { r.biased_running_variance = true; })},
      {"BatchNorm: momentum 0.11", "sgd", changed("sgd", [](Recipe& r) { r.bn_momentum = 0.11F; })},
      {"BatchNorm: momentum the other way", "batch_norm",
       changed("batch_norm", [](Recipe& r) { r.bn_momentum = 0.7F; })},
      {"BatchNorm: eps 1 % off", "batch_norm", changed("batch_norm", [](Recipe& r) { r.bn_eps = 1.01e-2F; })},
      {"cross-entropy: class weights, but mean over the samples", "class_weights",
       changed("class_weights",
               [](Recipe& r) {
                 r.change_gradients = [](std::span<float> gradients, double weight_sum) {
                   for (float& g : gradients) g *= static_cast<float>(weight_sum / 48.0);
                 };
               })},
      {"cross-entropy: one class weight 0.1 % off", "class_weights",
       changed("class_weights", [](Recipe& r) { r.loss.class_weights[1] *= 1.001F; })},
      // s over the other classes instead of all: the share of the label is 1 - s, not 1 - s + s/C.
      {"label smoothing: over the other classes only", "label_smoothing",
       changed("label_smoothing", [](Recipe& r) { r.loss.label_smoothing *= 1.25F; })},
      {"label smoothing: 0.1 % off", "label_smoothing",
       changed("label_smoothing", [](Recipe& r) { r.loss.label_smoothing *= 1.001F; })},
      {"clip: limit 0.1 % off", "clip", changed("clip", [](Recipe& r) { r.clip *= 1.001; })},
      {"clip: each value instead of the norm", "clip",
       changed("clip",
               [](Recipe& r) {
                 r.clip = 0.0;
                 r.change_gradients = [](std::span<float> gradients, double) {
                   for (float& g : gradients) g = std::fmin(0.3F, std::fmax(-0.3F, g));
                 };
               })},
  };
}

}  // namespace

TEST_CASE("200 steps of each optimizer follow PyTorch") {
  for (const std::string& name : run_names()) {
    const Deviation d = compare(train(recipe(name)), read(name));
    INFO(name << ": losses deviate by " << d.loss << ", values by " << d.value);
    CHECK(agrees(d));
  }
}

TEST_CASE("a golden run does not depend on the ISA or the number of threads") {
  for (const std::string& name : run_names()) {
    const Values expected = train(recipe(name));
    for (Isa isa : supported_isas())
      for (int threads : {1, 2}) {
        Recipe r = recipe(name);
        r.isa = isa;
        r.threads = threads;
        INFO(name << ", " << isa_name(isa) << ", " << threads << " threads");
        CHECK(train(r) == expected);
      }
  }
}

TEST_CASE("the golden comparison rejects each formula broken on purpose") {
  // The stand-in for Adam is right when it makes no mistake.
  for (const char* name : {"adam", "adam_decay", "adamw"}) {
    const Deviation d = compare(train(adam_with(name, AdamMistake::none)), read(name));
    INFO(name << " in double: losses deviate by " << d.loss << ", values by " << d.value);
    CHECK(agrees(d));
  }
  for (const Mistake& mistake : mistakes()) {
    const Deviation d = compare(train(mistake.recipe), read(mistake.run));
    INFO(mistake.what << ": losses deviate by " << d.loss << ", values by " << d.value);
    CHECK_FALSE(agrees(d));
  }
}

TEST_CASE("batch normalization in evaluation gives PyTorch's bits") {
  const std::vector<float> weight = parameter(7, 16, 2.0F), bias = parameter(8, 16, 3.0F),
                           x = parameter(11, 256, 6.0F);
  std::vector<float> mean = parameter(9, 16, 5.0F), variance = parameter(10, 16, 4.0F);
  for (float& v : variance) v = std::fabs(v);
  Tensor in(16, 16), out(16, 16);
  for (Index f = 0; f < 16; ++f)
    for (Index i = 0; i < 16; ++i) in(f, i) = x[static_cast<std::size_t>(i * 16 + f)];
  float alpha[16], beta[16];
  batch_norm_alpha_beta(16, weight.data(), bias.data(), {mean.data(), variance.data(), nullptr}, 1e-5F, alpha,
                        beta);
  batch_norm_eval_forward({}, alpha, beta, false, in.view(), out.view());
  const std::vector<float> expected = read("batch_norm_eval").at("y");
  for (Index f = 0; f < 16; ++f)
    for (Index i = 0; i < 16; ++i) CHECK(out(f, i) == expected[static_cast<std::size_t>(i * 16 + f)]);
}
