// A divisor of many lanes, and a total that divides its parts, the least of which is named, where dividing is
// fast enough; lanes_avx512.hpp has some that do better.
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

template <class F>
class PlainTotal : public PlainDivisor<F> {
 public:
  PlainTotal(F b, F /*least*/) : PlainDivisor<F>(b) {}
};

}  // namespace jsc
