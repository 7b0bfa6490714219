// Optimizers, penalties, schedules and initialization, beyond what the golden trajectories show.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/random.hpp"
#include "ops/initialize.hpp"
#include "ops/optimizer.hpp"
#include "ops/penalty.hpp"
#include "ops/schedule.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

std::vector<float> normals(std::uint64_t stream, std::size_t n) {
  std::vector<float> v(n);
  fill_normal({31, stream}, 0, v.data(), static_cast<Index>(n));
  return v;
}

OptimizerOptions options_for(const std::string& name) {
  OptimizerOptions o;
  o.name = name;
  o.weight_decay = 1e-2;
  if (name == "sgd") o.momentum = 0.9;
  return o;
}

std::vector<double> rates(const ScheduleOptions& options) {
  check_schedule(options);
  std::vector<double> r;
  for (std::int64_t i = 0; i < options.total; ++i) r.push_back(learning_rate(options, i));
  return r;
}

}  // namespace

TEST_CASE("an optimizer restored from its state continues to the same bits") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    constexpr std::size_t n = 1003;
    std::vector<float> w = normals(1, n), again;
    const auto whole = make_optimizer(options_for(name), n), second = make_optimizer(options_for(name), n);
    for (std::uint64_t k = 0; k < 6; ++k) {
      if (k == 3) {
        again = w;
        second->steps_taken = whole->steps_taken;
        const auto from = whole->state(), to = second->state();
        REQUIRE(from.size() == to.size());
        REQUIRE_FALSE(from.empty());
        for (std::size_t a = 0; a < from.size(); ++a) {
          CHECK(from[a].name == to[a].name);
          std::copy(from[a].values.begin(), from[a].values.end(), to[a].values.begin());
        }
      }
      const std::vector<float> g = normals(10 + k, n);
      whole->step({}, w, g, 1e-2);
      if (k >= 3) second->step({}, again, g, 1e-2);
    }
    INFO(name);
    CHECK(again == w);
  }
}

TEST_CASE("an optimizer's step does not depend on ISA or threads, and leaves zero padding zero") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    constexpr std::size_t n = 20016;
    std::vector<float> expected;
    for (Isa isa : supported_isas())
      for (int threads : {1, 2}) {
        std::vector<float> w = normals(1, n), g = normals(2, n);
        for (std::size_t i = n - 13; i < n; ++i) w[i] = g[i] = 0.0F;
        const auto optimizer = make_optimizer(options_for(name), n);
        for (int k = 0; k < 3; ++k) optimizer->step({isa, threads, false}, w, g, 1e-2);
        if (expected.empty()) expected = w;
        INFO(name << ", " << isa_name(isa) << ", " << threads << " threads");
        CHECK(w == expected);
        for (std::size_t i = n - 13; i < n; ++i) CHECK(w[i] == 0.0F);
      }
  }
}

TEST_CASE("optimizer options out of range are errors") {
  OptimizerOptions o;
  o.name = "lion";
  CHECK_THROWS_WITH(make_optimizer(o, 4), "optimizer: expected sgd, adam or adamw, found 'lion'");
  o.name = "sgd";
  o.nesterov = true;
  CHECK_THROWS_WITH(make_optimizer(o, 4), Contains("nesterov expects a momentum above 0"));
  o.nesterov = false;
  o.weight_decay = -1.0;
  CHECK_THROWS_WITH(make_optimizer(o, 4), Contains("weight decay: expected at least 0"));
  OptimizerOptions adam;
  adam.beta2 = 1.0;
  CHECK_THROWS_WITH(make_optimizer(adam, 4), Contains("beta2"));
  std::vector<float> three(3);
  CHECK_THROWS_WITH(make_optimizer({}, 4)->step({}, three, three, 0.1),
                    "optimizer step: expected 4 values and gradients, found 3 and 3");
}

TEST_CASE("the L1 penalty pulls every weight toward zero and leaves zero alone") {
  const std::vector<float> w = {2.0F, -0.5F, 0.0F, -0.0F};
  std::vector<float> g = {1.0F, 1.0F, 1.0F, 1.0F};
  CHECK(add_l1_gradient({}, w, g, 0.25) == Approx(0.25 * 2.5));
  CHECK(g == std::vector<float>{1.25F, 0.75F, 1.0F, 1.0F});
}

TEST_CASE("clipping scales the gradients to the limit, and only when they exceed it") {
  std::vector<float> g = normals(4, 5000);
  double squares = 0.0;
  for (float v : g) squares += static_cast<double>(v) * static_cast<double>(v);
  const std::vector<float> before = g;
  CHECK(clip_gradient_norm({}, g, 1e6) == Approx(std::sqrt(squares)).epsilon(1e-6));
  CHECK(g == before);
  clip_gradient_norm({}, g, 3.0);
  CHECK(clip_gradient_norm({}, g, 1e6) == Approx(3.0).epsilon(1e-6));
  CHECK(g[17] == Approx(before[17] * 3.0 / (std::sqrt(squares) + 1e-6)));
  g[0] = std::nanf("");
  clip_gradient_norm({}, g, 3.0);
  CHECK(std::isnan(g[1]));  // as PyTorch: a broken norm does not pass unseen
  CHECK_THROWS_WITH(clip_gradient_norm({}, g, 0.0), Contains("expected a norm above 0"));
}

TEST_CASE("the cosine schedule has MASE's values") {
  ScheduleOptions o;
  o.name = "cosine";
  o.total = 10;
  const double mase[] = {.001,      .00097555, .00090460, .00079410,  .00065485,
                         .00050050, .00034615, .00020690, .000096396, .000025447};
  const std::vector<double> found = rates(o);
  for (std::size_t i = 0; i < 10; ++i) CHECK(found[i] == Approx(mase[i]).epsilon(5e-5));
  o.warm_up = 2;
  CHECK(learning_rate(o, 0) == Approx(1e-3 / 3));
  CHECK(learning_rate(o, 1) == Approx(2e-3 / 3));
  CHECK(learning_rate(o, 2) == 1e-3);
}

TEST_CASE("the other schedules have PyTorch's values") {
  ScheduleOptions constant;
  constant.total = 3;
  CHECK(rates(constant) == std::vector<double>{1e-3, 1e-3, 1e-3});

  ScheduleOptions step;  // torch.optim.lr_scheduler.StepLR(step_size=2, gamma=0.5), lr 1
  step.name = "step";
  step.rate = 1.0;
  step.total = 6;
  step.period = 2;
  step.gamma = 0.5;
  CHECK(rates(step) == std::vector<double>{1.0, 1.0, 0.5, 0.5, 0.25, 0.25});

  ScheduleOptions cycle;  // OneCycleLR(max_lr=0.1, total_steps=10), torch 1.13
  cycle.name = "one-cycle";
  cycle.rate = 0.1;
  cycle.total = 10;
  const double torch_values[] = {0.0040000000000000036,
                                 0.052000000000000005,
                                 0.1,
                                 0.09504846320134738,
                                 0.0811745653949763,
                                 0.06112620219362893,
                                 0.03887419780637107,
                                 0.0188258346050237,
                                 0.004951936798652629,
                                 4e-07};
  const std::vector<double> found = rates(cycle);
  for (std::size_t i = 0; i < 10; ++i) CHECK(found[i] == Approx(torch_values[i]).epsilon(1e-12));
}

TEST_CASE("schedule options out of range are errors") {
  ScheduleOptions o;
  o.name = "exponential";
  CHECK_THROWS_WITH(check_schedule(o),
                    "schedule: expected constant, cosine, step or one-cycle, found 'exponential'");
  o.name = "cosine";
  o.total = 5;
  o.warm_up = 5;
  CHECK_THROWS_WITH(check_schedule(o), Contains("warm-up: expected from 0 to below the total of 5, found 5"));
}

TEST_CASE("a linear layer begins within 1/sqrt(fan_in), spread evenly, and the same for a seed") {
  std::vector<float> w(64 * 100), b(64), again(64 * 100);
  initialize_linear({5, 2}, {w.data(), 64, 100, 100}, {b.data(), 1, 64, 64});
  initialize_linear({5, 2}, {again.data(), 64, 100, 100}, {});
  CHECK(w == again);
  double squares = 0.0;
  for (float v : w) {
    REQUIRE(std::fabs(v) <= 0.1F);
    squares += static_cast<double>(v) * static_cast<double>(v);
  }
  CHECK(squares / 6400.0 == Approx(0.01 / 3.0).epsilon(0.05));
  for (float v : b) CHECK(std::fabs(v) <= 0.1F);
  CHECK(b[0] != w[0]);
}
