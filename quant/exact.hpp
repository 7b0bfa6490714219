// The exact integers that go beside a tape's floats where float32's 24 bits cannot hold a value.
#pragma once

#include "engine/tape.hpp"

namespace jsc {

inline constexpr int kFloatBits = 24;              // significand of float32
inline constexpr int kFloatLargestExponent = 127;  // and its range: from 2^-149, the smallest subnormal, to
inline constexpr int kFloatMaxFraction = 149;      // below 2^128
inline constexpr int kExactBits = 63;              // of an int64 without its sign

// Whether float32 holds every number of up to `bits` bits, without the sign, times 2^-fraction.
inline constexpr bool fits_float(int bits, int fraction) {
  return bits <= kFloatBits && bits - fraction <= kFloatLargestExponent && fraction <= kFloatMaxFraction;
}

// [rows][stride] beside a variable's value; value = raw * 2^-fraction. Without raw the floats are exact.
struct ExactView {
  std::int64_t* raw = nullptr;
  int fraction = 0;
};

inline ExactView exact_view(const Tape& tape, Variable v) {
  const Annotation* known = tape.exact(v);
  return known == nullptr ? ExactView{} : ExactView{const_cast<std::int64_t*>(known->raw), known->fraction};
}

inline ExactView make_exact(Tape& tape, Variable v, int fraction) {
  const Matrix value = tape.value(v);
  return {tape.arena().array<std::int64_t>(value.rows * value.stride), fraction};
}

}  // namespace jsc
