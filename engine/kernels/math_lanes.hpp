// exp and log over lanes, as templates over any of the lane types F32x16 (or math.cpp's single lane), each
// step one IEEE operation a lane: all of them give the same bits.
#pragma once

namespace jsc {

// 2^n for n in [-126, 127]
template <class I>
auto power_of_two(I n) {
  return from_bits(shift_left<23>(n + I::set(127)));
}

// y 2^n, rounded once; y in [1/2, 2), n whole, in [-252, 254]. Two factors, so that neither is subnormal or
// infinite. (lanes_avx512.hpp has an instruction for it.)
template <class F>
[[gnu::always_inline]] inline F scale_by_power_of_two(F y, F n) {
  const auto whole = to_int(n), half = shift_right<1>(whole);
  return y * power_of_two(half) * power_of_two(whole - half);
}

// e^x = 2^n e^r with n = round(x / ln 2) and r = x - n ln 2, |r| <= 0.3466, where ln 2 is a float and its
// remainder, each taken off by one fma. The coefficients here and below are those of Moshier's Cephes (expf,
// logf).
template <class F>
[[gnu::always_inline]] inline F exp_lanes(F x) {
  // Beyond these the result is 0 or inf; the bounds keep n in range, and max gives the lower one for NaN.
  const F a = min(max(x, F::set(-104.0F)), F::set(89.0F));
  const F n = round_even(a * F::set(0x1.715476p+0F));
  const F r = fma(n, F::set(0x1.05c610p-29F), fma(n, F::set(-0x1.62e430p-1F), a));
  F p = F::set(1.9875691500e-4F);
  p = fma(p, r, F::set(1.3981999507e-3F));
  p = fma(p, r, F::set(8.3334519073e-3F));
  p = fma(p, r, F::set(4.1665795894e-2F));
  p = fma(p, r, F::set(1.6666665459e-1F));
  p = fma(p, r, F::set(5.0000001201e-1F));
  const F y = fma(p, r * r, r) + F::set(1.0F);
  return select(x == x, scale_by_power_of_two(y, n), x);
}

// log x = e ln 2 + log(1 + f) with x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)).
template <class F>
[[gnu::always_inline]] inline F log_lanes(F x) {
  using I = decltype(bits(x));
  const auto subnormal = x < F::set(0x1p-126F);
  const F scaled = select(subnormal, x * F::set(0x1p+25F), x);
  // Subtracting the bits of sqrt(1/2) leaves the wanted exponent above the mantissa.
  const I offset = bits(scaled) - I::set(0x3f3504f3);
  const I exponent = shift_right<23>(offset);
  const F f = from_bits(bits(scaled) - shift_left<23>(exponent)) - F::set(1.0F);
  const F e = to_float(exponent) - select(subnormal, F::set(25.0F), F::zero());
  F p = F::set(7.0376836292e-2F);
  p = fma(p, f, F::set(-1.1514610310e-1F));
  p = fma(p, f, F::set(1.1676998740e-1F));
  p = fma(p, f, F::set(-1.2420140846e-1F));
  p = fma(p, f, F::set(1.4249322787e-1F));
  p = fma(p, f, F::set(-1.6668057665e-1F));
  p = fma(p, f, F::set(2.0000714765e-1F));
  p = fma(p, f, F::set(-2.4999993993e-1F));
  p = fma(p, f, F::set(3.3333331174e-1F));
  const F square = f * f;
  F tail = p * (f * square);
  tail = fma(e, F::set(-2.12194440e-4F), tail);
  tail = fma(square, F::set(-0.5F), tail);
  const F y = fma(e, F::set(0.693359375F), f + tail);

  const F inf = from_bits(I::set(0x7f800000));
  const F nan = from_bits(I::set(0x7fc00000));
  const F special = select(x == F::zero(), F::zero() - inf, select(x == inf, inf, nan));
  return select(F::zero() < x, select(x < inf, y, special), special);
}

}  // namespace jsc
