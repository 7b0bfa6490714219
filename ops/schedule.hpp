// Learning rates as pure functions of position: an epoch or a step, counted from 0, whichever the caller
// schedules by. Nothing is remembered, so a resumed run needs no state.
//   constant   rate
//   cosine     eta_min + (rate - eta_min)·(1 + cos(pi·i/total))/2      (Loshchilov and Hutter, ICLR 2017;
//              torch's CosineAnnealingLR; eta_min 1e-6 is MASE's)
//   step       rate·gamma^floor(i/period)                              (torch's StepLR)
//   one_cycle  cosine from rate/div_factor up to rate at pct_start of the way, then cosine down to
//              rate/div_factor/final_div_factor                        (Smith and Topin 2019; torch's
//              OneCycleLR)
// A linear warm-up goes before any of them but one_cycle: rate·(i + 1)/(warm_up + 1) for i < warm_up; the
// schedule then runs over the rest.
#pragma once

#include <cstdint>
#include <string>

namespace jsc {

struct ScheduleOptions {
  std::string name = "constant";                                      // constant, cosine, step, one-cycle
  double rate = 1e-3;                                                 // the base rate; one-cycle: the highest
  std::int64_t total = 1;                                             // positions in the whole training
  std::int64_t warm_up = 0;                                           // positions of linear warm-up
  double eta_min = 1e-6;                                              // cosine
  std::int64_t period = 10;                                           // step
  double gamma = 0.1;                                                 // step
  double pct_start = 0.3, div_factor = 25.0, final_div_factor = 1e4;  // one-cycle
};

// Throws Error for an unknown name or an option out of range: call once before training.
void check_schedule(const ScheduleOptions& options);

// Whether the rate at a position depends on how many there are in all. Where it does not, a longer training
// begins with the same rates as a shorter one.
bool depends_on_total(const ScheduleOptions& options);

double learning_rate(const ScheduleOptions& options, std::int64_t position);

}  // namespace jsc
