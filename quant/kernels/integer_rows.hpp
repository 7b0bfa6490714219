// The kernels' loops, written once and compiled for each instruction set by the file that includes this; all
// of it in an unnamed namespace, so that no two builds of a function meet in the linker. It calls nothing
// that is not defined here.
#pragma once

#include <type_traits>

#include "quant/kernels/integer_kernels.hpp"

namespace jsc {
namespace {

// One cache line of numbers; the compiler splits it into what the instruction set has.
template <class T>
struct LineOf {
  using Signed [[gnu::vector_size(64)]] = T;
  using Unsigned [[gnu::vector_size(64)]] = std::make_unsigned_t<T>;
};
template <class T>
using Line = typename LineOf<T>::Signed;
template <class T>
using UnsignedLine = typename LineOf<T>::Unsigned;
template <class T>
inline constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));

template <class T>
using Unsigned = std::make_unsigned_t<T>;

template <class T>
T wrap(T v, int unused_bits) {
  return static_cast<T>(static_cast<T>(static_cast<Unsigned<T>>(v) << unused_bits) >> unused_bits);
}

template <class T, class Map>
void map_row(Index n, const T* from, T* to, const Map& map) {
  for (Index i = 0; i < n; ++i) to[i] = map(from[i]);
}

// v * 2^-shift rounded, shift >= 1. `>>` floors; what is added before it moves the boundary between two
// results to where the mode wants it. v >> kTop is -1 for negative v, else 0.
template <class T>
void round_row(Index n, const T* from, int shift, fixed::Rounding rounding, T* to) {
  using fixed::Rounding;
  constexpr int kTop = 8 * sizeof(T) - 1;
  const T half = static_cast<T>(T{1} << (shift - 1));
  const T below_one = static_cast<T>((T{1} << shift) - 1);
  switch (rounding) {
    case Rounding::trn:
      return map_row(n, from, to, [=](T v) { return v >> shift; });
    case Rounding::ceil:
      return map_row(n, from, to, [=](T v) { return (v + below_one) >> shift; });
    case Rounding::trn_zero:
      return map_row(n, from, to, [=](T v) { return (v + ((v >> kTop) & below_one)) >> shift; });
    case Rounding::up:
      return map_row(n, from, to, [=](T v) { return (v + (~(v >> kTop) & below_one)) >> shift; });
    case Rounding::rnd:
      return map_row(n, from, to, [=](T v) { return (v + half) >> shift; });
    case Rounding::rnd_min_inf:
      return map_row(n, from, to, [=](T v) { return (v + half - 1) >> shift; });
    case Rounding::rnd_zero:  // a tie goes up if v is negative
      return map_row(n, from, to, [=](T v) { return (v + half - 1 - (v >> kTop)) >> shift; });
    case Rounding::rnd_inf:
      return map_row(n, from, to, [=](T v) { return (v + half + (v >> kTop)) >> shift; });
    case Rounding::rnd_conv:  // a tie goes up if the floor is odd
      return map_row(n, from, to, [=](T v) { return (v + half - 1 + ((v >> shift) & 1)) >> shift; });
    case Rounding::rnd_conv_odd:
      return map_row(n, from, to, [=](T v) { return (v + half - 1 + (~(v >> shift) & 1)) >> shift; });
  }
}

template <class T>
void overflow_row(Index n, const CastPlan<T>& plan, T* v) {
  using fixed::Overflow;
  const T lo = plan.lo, hi = plan.hi;
  const int unused = plan.unused_bits;
  switch (plan.overflow) {
    case Overflow::sat:
    case Overflow::sat_sym:
      return map_row(n, v, v, [=](T x) { return x < lo ? lo : x > hi ? hi : x; });
    case Overflow::sat_zero:
      return map_row(n, v, v, [=](T x) { return x < lo || x > hi ? T{0} : x; });
    case Overflow::wrap:
    case Overflow::wrap_sm:
      if (!plan.is_signed) return map_row(n, v, v, [=](T x) { return x & hi; });
      return map_row(n, v, v, [=](T x) { return wrap(x, unused); });
  }
}

template <class T>
void cast(Index n, const T* from, const CastPlan<T>& plan, T* to) {
  if (plan.shift > 0)
    round_row(n, from, plan.shift, plan.rounding, to);
  else if (from != to)
    map_row(n, from, to, [](T v) { return v; });
  overflow_row(n, plan, to);
}

// R neurons by one line of samples at a time, their sums in registers.
template <class T, int R>
void dense_rows(const DenseArguments<T>& a, Index first) {
  constexpr int kBits = 8 * sizeof(T);
  for (Index i = 0; i < a.samples; i += kLine<T>) {
    UnsignedLine<T> sum[R];
    for (int r = 0; r < R; ++r) {
      const auto bias = static_cast<Unsigned<T>>(a.bias[first + r]);
      sum[r] = UnsignedLine<T>{} + bias;
    }
    for (Index k = 0; k < a.in; ++k) {
      const auto x = *reinterpret_cast<const UnsignedLine<T>*>(a.x + k * a.x_stride + i);
      for (int r = 0; r < R; ++r) sum[r] += x * static_cast<Unsigned<T>>(a.weights[(first + r) * a.in + k]);
    }
    for (int r = 0; r < R; ++r) {
      const int unused = kBits - a.widths[first + r];
      *reinterpret_cast<Line<T>*>(a.y + (first + r) * a.y_stride + i) =
          reinterpret_cast<Line<T>>(sum[r] << unused) >> unused;
    }
  }
}

template <class T>
void dense(const DenseArguments<T>& a) {
  constexpr int kRows = 8;
  Index first = 0;
  for (; first + kRows <= a.out; first += kRows) dense_rows<T, kRows>(a, first);
  for (; first < a.out; ++first) dense_rows<T, 1>(a, first);
}

template <class T>
T product(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(a) * static_cast<Unsigned<T>>(b));
}
template <class T>
T sum(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
}

template <class T>
void scale_shift(Index n, T w, T b, int width, const T* x, T* y) {
  const int unused = 8 * static_cast<int>(sizeof(T)) - width;
  for (Index i = 0; i < n; ++i) y[i] = wrap(sum(product(w, x[i]), b), unused);
}
template <class T>
void scale(Index n, T w, const T* x, T* y) {
  for (Index i = 0; i < n; ++i) y[i] = product(w, x[i]);
}
template <class T>
void add(Index n, const T* a, const T* b, T* y) {
  for (Index i = 0; i < n; ++i) y[i] = sum(a[i], b[i]);
}
template <class T>
void sub(Index n, const T* a, const T* b, T* y) {
  for (Index i = 0; i < n; ++i)
    y[i] = static_cast<T>(static_cast<Unsigned<T>>(a[i]) - static_cast<Unsigned<T>>(b[i]));
}
template <class T>
void mul(Index n, const T* a, const T* b, T* y) {
  for (Index i = 0; i < n; ++i) y[i] = product(a[i], b[i]);
}
template <class T>
void relu(Index n, const T* x, T* y) {
  for (Index i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : T{0};
}

template <class T>
constexpr IntegerKernelsOf<T> kernels_of() {
  return {cast<T>, dense<T>, scale_shift<T>, scale<T>, add<T>, sub<T>, mul<T>, relu<T>};
}

}  // namespace
}  // namespace jsc
