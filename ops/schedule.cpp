#include "ops/schedule.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "engine/math.hpp"

namespace jsc {
namespace {

constexpr double kPi = 3.14159265358979323846;

// From `first` at t = 0 to `last` at t = 1 along half a cosine.
double cosine_between(double first, double last, double t) {
  return last + (first - last) * (1.0 + cos_f64(kPi * t)) / 2.0;
}

double one_cycle(const ScheduleOptions& o, double position) {
  const double initial = o.rate / o.div_factor, final = initial / o.final_div_factor;
  const double top = o.pct_start * static_cast<double>(o.total) - 1.0;
  const double end = static_cast<double>(o.total) - 1.0;
  if (position <= top) return top > 0.0 ? cosine_between(initial, o.rate, position / top) : o.rate;
  return cosine_between(o.rate, final, (position - top) / (end - top));
}

}  // namespace

void check_schedule(const ScheduleOptions& o) {
  if (o.name != "constant" && o.name != "cosine" && o.name != "step" && o.name != "one-cycle")
    fail("schedule: expected constant, cosine, step or one-cycle, found '{}'", o.name);
  if (!(o.rate > 0.0)) fail("schedule, rate: expected above 0, found {}", o.rate);
  if (o.total < 1) fail("schedule, total: expected at least 1, found {}", o.total);
  if (o.warm_up < 0 || o.warm_up >= o.total)
    fail("schedule, warm-up: expected from 0 to below the total of {}, found {}", o.total, o.warm_up);
  if (o.name == "one-cycle" && o.warm_up != 0)
    fail("schedule, warm-up: expected 0 with one-cycle (which warms up by itself), found {}", o.warm_up);
  if (!(o.eta_min >= 0.0)) fail("schedule, eta_min: expected 0 or more, found {}", o.eta_min);
  if (o.period < 1) fail("schedule, period: expected at least 1, found {}", o.period);
  if (!(o.gamma > 0.0)) fail("schedule, gamma: expected above 0, found {}", o.gamma);
  if (!(o.pct_start >= 0.0 && o.pct_start <= 1.0))
    fail("schedule, pct_start: expected 0 to 1, found {}", o.pct_start);
  if (!(o.div_factor > 0.0 && o.final_div_factor > 0.0))
    fail("schedule, div_factor and final_div_factor: expected above 0, found {} and {}", o.div_factor,
         o.final_div_factor);
}

bool depends_on_total(const ScheduleOptions& o) {
  return o.name == "cosine" || o.name == "one-cycle";
}

double learning_rate(const ScheduleOptions& o, std::int64_t position) {
  const std::int64_t i = std::clamp(position, std::int64_t{0}, o.total - 1);
  if (o.name == "one-cycle") return one_cycle(o, static_cast<double>(i));
  if (i < o.warm_up) return o.rate * static_cast<double>(i + 1) / static_cast<double>(o.warm_up + 1);
  const std::int64_t after = i - o.warm_up;
  if (o.name == "cosine")
    return cosine_between(o.rate, o.eta_min,
                          static_cast<double>(after) / static_cast<double>(o.total - o.warm_up));
  if (o.name == "step") return o.rate * power(o.gamma, after / o.period);
  return o.rate;
}

}  // namespace jsc
