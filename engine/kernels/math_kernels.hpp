// exp and log of arrays, mostly so that tests and benches reach math_lanes.hpp.
#pragma once

#include "engine/kernels/kernels.hpp"
#include "engine/kernels/math_lanes.hpp"

namespace jsc::kernels {

template <class F, class Function>
void map(const float* x, float* y, std::ptrdiff_t n, const Function& f) {
  std::ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16) f(F::load(x + i)).store(y + i);
  if (i < n) f(F::load_first(x + i, n - i)).store_first(y + i, n - i);
}

template <class Lanes>
void exp(const float* x, float* y, std::ptrdiff_t n) {
  map<typename Lanes::F>(x, y, n, [](auto v) { return exp_lanes(v); });
}

template <class Lanes>
void log(const float* x, float* y, std::ptrdiff_t n) {
  map<typename Lanes::F>(x, y, n, [](auto v) { return log_lanes(v); });
}

}  // namespace jsc::kernels
