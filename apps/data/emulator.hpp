// The embedded data set: jets drawn from a Gaussian mixture over normal scores that was fitted to real ones.
// It is the default of --data, so everything works offline.
//
//   jet i    class i mod 5, so that the classes are equal in every run of rows
//   z        16 independent normals, and a uniform number that picks one of the class's three components
//   u        mean + L z of that component: correlated normal scores
//   p        Phi(u), the normal distribution function
//   feature  the pooled quantiles of the real data at p, linear between the tabulated levels, clamped at the
//   ends
// Real jets have d2_a1_b1 = d2_b1 and an integer multiplicity: the one is copied, the other rounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "apps/data/dataset.hpp"

namespace jsc {

inline constexpr Index kEmulatedRows = 200000;  // default of "emulated"

// What "emulated[:ROWS[:SEED]]" asks for; none if `spec` is something else. Throws Error if the numbers are
// none.
struct EmulatedJets {
  Index rows = kEmulatedRows;
  std::uint64_t seed = 0;
};
std::optional<EmulatedJets> parse_emulated(std::string_view spec);

// Writes jets first..first+rows-1 of the seed: x row-major [rows][16], one label each. Jet i depends on the
// seed and i only; the bits do not depend on the threads or the processor.
void emulate_jets(std::uint64_t seed, std::int64_t first, Index rows, int threads, float* x,
                  std::int32_t* labels);

Dataset emulated_dataset(Index rows, std::uint64_t seed, int threads);

}  // namespace jsc
