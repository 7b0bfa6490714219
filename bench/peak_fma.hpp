// The loop of run_fma_peak over one ISA's registers.
#pragma once

#include <cstddef>

namespace jsc {

template <class Register>
double fma_peak(std::ptrdiff_t steps) {
  constexpr int kChains =
      12;  // latency 4 times 2 units, and some to spare; with the operands within 16 registers
  const float ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Register chain[kChains], a = Register::load(ones), b = Register::zero();
  // The operands are opaque, so that nothing of the loop can be computed beforehand.
  asm volatile("" : "+v"(a.v), "+v"(b.v));
  for (Register& c : chain) c = Register::zero();
  for (std::ptrdiff_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) chain[c] = fma(a, b, chain[c]);
  for (Register& c : chain) asm volatile("" : "+v"(c.v));
  return 2.0 * kChains * Register::kLanes * static_cast<double>(steps);
}

}  // namespace jsc
