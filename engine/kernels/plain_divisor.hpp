// A divisor of many lanes, where dividing is fast enough; lanes_avx512.hpp has one that does better.
#pragma once

namespace jsc {

template <class F>
class PlainDivisor {
 public:
  explicit PlainDivisor(F b) : b_(b) {}
  friend F operator/(F a, const PlainDivisor& d) { return a / d.b_; }

 private:
  F b_;
};

}  // namespace jsc
