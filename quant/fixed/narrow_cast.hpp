// fixed::cast (cast.hpp) of numbers that 64 bits hold, without the 128-bit carrier where that is most of the
// time. Tested to be the same function.
#pragma once

#include "quant/fixed/cast.hpp"

namespace jsc::fixed {

// raw · 2^-shift rounded to an integer; 0 < shift < 62.
constexpr std::int64_t narrow_round(std::int64_t raw, int shift, Rounding mode) {
  const std::int64_t floor = raw >> shift;
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const std::int64_t rest = raw & (2 * half - 1);
  const bool negative = raw < 0;
  switch (mode) {
    case Rounding::trn:
      return floor;
    case Rounding::trn_zero:
      return floor + (negative && rest != 0);
    case Rounding::ceil:
      return floor + (rest != 0);
    case Rounding::up:
      return floor + (!negative && rest != 0);
    case Rounding::rnd:
      return floor + (rest >= half);
    case Rounding::rnd_min_inf:
      return floor + (rest > half);
    case Rounding::rnd_zero:
      return floor + (negative ? rest >= half : rest > half);
    case Rounding::rnd_inf:
      return floor + (negative ? rest > half : rest >= half);
    case Rounding::rnd_conv:  // of a tie, up if the floor is odd
      return floor + (rest + (floor & 1) > half);
    case Rounding::rnd_conv_odd:  // or even
      return floor + (rest + (~floor & 1) > half);
  }
  return floor;
}

// Casts of raw · 2^-fraction to one format.
class NarrowCast {
 public:
  constexpr NarrowCast(int fraction, const Format& to)
      : to_(to), fraction_(fraction), shift_(fraction - to.fraction()) {
    const bool mirrored = to.overflow == Overflow::wrap_sm;  // asks for more than the rounded number
    is_narrow_ = shift_ > -62 && shift_ < 62 && to.width < 62 && !mirrored;
    if (!is_narrow_) return;
    room_ = std::int64_t{1} << (62 - (shift_ < 0 ? -shift_ : 0));
    high_ = (std::int64_t{1} << to.magnitude_bits()) - 1;
    low_ = !to.is_signed ? 0 : to.overflow == Overflow::sat_sym ? -high_ : -high_ - 1;
  }

  constexpr std::int64_t operator()(std::int64_t raw) const {
    if (!is_narrow_) [[unlikely]]
      return wide(raw);
    std::int64_t rounded = raw;
    if (shift_ < 0) {
      if (raw >= room_ || raw <= -room_) [[unlikely]]
        return wide(raw);
      rounded = raw * (std::int64_t{1} << -shift_);
    } else if (shift_ > 0) {
      rounded = to_.rounding == Rounding::trn ? raw >> shift_ : narrow_round(raw, shift_, to_.rounding);
    }
    if (to_.overflow == Overflow::sat) return rounded < low_ ? low_ : rounded > high_ ? high_ : rounded;
    if (rounded >= low_ && rounded <= high_) [[likely]]
      return rounded;
    return overflowed(rounded);
  }

 private:
  // Kept out of the caller's loop.
  [[gnu::noinline]] constexpr std::int64_t wide(std::int64_t raw) const {
    return static_cast<std::int64_t>(cast(raw, fraction_, to_));
  }
  [[gnu::noinline]] constexpr std::int64_t overflowed(std::int64_t rounded) const {
    return static_cast<std::int64_t>(handle_overflow(rounded, to_));
  }

  Format to_;
  int fraction_, shift_;
  bool is_narrow_ = false;
  std::int64_t low_ = 0, high_ = 0;  // what overflow leaves as it is
  std::int64_t room_ = 0;            // above what is shifted up in 64 bits
};

}  // namespace jsc::fixed
