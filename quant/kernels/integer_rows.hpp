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

// to = then(v * 2^-shift rounded), shift >= 1. `>>` floors; what is added before it moves the boundary
// between two results to where the mode wants it. v >> kTop is -1 for negative v, else 0.
template <class T, class Then>
void round_row(Index n, const T* from, int shift, fixed::Rounding rounding, T* to, const Then& then) {
  using fixed::Rounding;
  constexpr int kTop = 8 * sizeof(T) - 1;
  const T half = static_cast<T>(T{1} << (shift - 1));
  const T below_one = static_cast<T>((T{1} << shift) - 1);
  switch (rounding) {
    case Rounding::trn:
      return map_row(n, from, to, [=](T v) { return then(v >> shift); });
    case Rounding::ceil:
      return map_row(n, from, to, [=](T v) { return then((v + below_one) >> shift); });
    case Rounding::trn_zero:
      return map_row(n, from, to, [=](T v) { return then((v + ((v >> kTop) & below_one)) >> shift); });
    case Rounding::up:
      return map_row(n, from, to, [=](T v) { return then((v + (~(v >> kTop) & below_one)) >> shift); });
    case Rounding::rnd:
      return map_row(n, from, to, [=](T v) { return then((v + half) >> shift); });
    case Rounding::rnd_min_inf:
      return map_row(n, from, to, [=](T v) { return then((v + half - 1) >> shift); });
    case Rounding::rnd_zero:  // a tie goes up if v is negative
      return map_row(n, from, to, [=](T v) { return then((v + half - 1 - (v >> kTop)) >> shift); });
    case Rounding::rnd_inf:
      return map_row(n, from, to, [=](T v) { return then((v + half + (v >> kTop)) >> shift); });
    case Rounding::rnd_conv:  // a tie goes up if the floor is odd
      return map_row(n, from, to, [=](T v) { return then((v + half - 1 + ((v >> shift) & 1)) >> shift); });
    case Rounding::rnd_conv_odd:
      return map_row(n, from, to, [=](T v) { return then((v + half - 1 + (~(v >> shift) & 1)) >> shift); });
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
      return;  // done in one pass with the rounding
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
  using fixed::Overflow;
  const T lo = plan.lo, hi = plan.hi;
  const auto clamp = [=](T x) { return x < lo ? lo : x > hi ? hi : x; };
  const auto keep = [](T x) { return x; };
  const bool saturates = plan.overflow == Overflow::sat || plan.overflow == Overflow::sat_sym;
  if (plan.shift > 0 && saturates) return round_row(n, from, plan.shift, plan.rounding, to, clamp);
  if (saturates) return map_row(n, from, to, clamp);
  if (plan.shift > 0)
    round_row(n, from, plan.shift, plan.rounding, to, keep);
  else if (from != to)
    map_row(n, from, to, keep);
  overflow_row(n, plan, to);
}

template <class T>
void count(Index n, const T* x, const CastEvents<T>& events, CastCounts& counts) {
  const T below_one = events.below_one, half = events.half, lo = events.lo, hi = events.hi;
  T rounded = 0, ties = 0, below = 0, above = 0;
  for (Index i = 0; i < n; ++i) {
    const T rest = x[i] & below_one;
    rounded += rest != 0 ? T{1} : T{0};
    ties += rest == half ? T{1} : T{0};
    below += x[i] < lo ? T{1} : T{0};
    above += x[i] > hi ? T{1} : T{0};
  }
  counts.rounded += rounded;
  counts.ties += ties;
  counts.below += below;
  counts.above += above;
}

template <class T>
void widen(Index n, const T* x, T& lo, T& hi) {
  T least = lo, most = hi;
  for (Index i = 0; i < n; ++i) {
    least = x[i] < least ? x[i] : least;
    most = x[i] > most ? x[i] : most;
  }
  lo = least;
  hi = most;
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
void quantize(Index n, const float* x, float scale, T lo, T hi, T* y) {
  // Adding 1.5 * 2^23 rounds to an integer, half to even, and leaves it in the low bits of the sum.
  constexpr float kMagic = 0x1.8p23F;
  const std::int32_t magic = __builtin_bit_cast(std::int32_t, kMagic);
  const float low = static_cast<float>(lo) - 1, high = static_cast<float>(hi) + 1;
  const auto lowest = static_cast<std::int32_t>(lo), highest = static_cast<std::int32_t>(hi);
  for (Index i = 0; i < n; ++i) {
    float v = x[i] * scale;
    v = v == v ? v : 0.0F;
    v = v < low ? low : v;
    v = v > high ? high : v;
    std::int32_t rounded = __builtin_bit_cast(std::int32_t, v + kMagic) - magic;
    rounded = rounded < lowest ? lowest : rounded;
    rounded = rounded > highest ? highest : rounded;
    y[i] = rounded;
  }
}

template <class T>
void argmax(Index rows, Index n, const T* x, Index x_stride, std::int32_t* best) {
  constexpr Index kRun = 64;
  for (Index first = 0; first < n; first += kRun) {
    T largest[kRun];
    T which[kRun];
    const Index count = n - first < kRun ? n - first : kRun;
    for (Index i = 0; i < count; ++i) largest[i] = x[first + i];
    for (Index i = 0; i < count; ++i) which[i] = 0;
    for (Index row = 1; row < rows; ++row) {
      const T* candidates = x + row * x_stride + first;
      for (Index i = 0; i < count; ++i) {
        const bool larger = candidates[i] > largest[i];
        largest[i] = larger ? candidates[i] : largest[i];
        which[i] = larger ? static_cast<T>(row) : which[i];
      }
    }
    for (Index i = 0; i < count; ++i) best[first + i] = static_cast<std::int32_t>(which[i]);
  }
}

// v * 2^-shift rounded by one of the modes that AccumulateArguments may have; shift >= 0.
template <class T, fixed::Rounding kRounding>
Line<T> round_line(Line<T> v, int shift, T half) {
  if constexpr (kRounding == fixed::Rounding::rnd) v += half;
  if constexpr (kRounding == fixed::Rounding::rnd_conv)
    v += half == 0 ? Line<T>{} : half - 1 + ((v >> shift) & 1);
  return v >> shift;
}

template <class T>
Line<T> clamp_line(Line<T> v, T lo, T hi) {
  v = v < lo ? Line<T>{} + lo : v;
  return v > hi ? Line<T>{} + hi : v;
}

// Wrapping commutes with addition, so it is done once, at the end; saturation does not.
template <class T, fixed::Rounding kRounding, bool kSaturates, int R>
void accumulate_rows(const AccumulateArguments<T>& a, Index first) {
  const CastPlan<T>& plan = a.product;
  const int shift = plan.shift;
  const T half = shift > 0 ? static_cast<T>(T{1} << (shift - 1)) : T{0};
  for (Index i = 0; i < a.samples; i += kLine<T>) {
    Line<T> sum[R];
    for (int r = 0; r < R; ++r) sum[r] = Line<T>{} + a.bias[first + r];
    for (Index k = 0; k < a.in; ++k) {
      const auto x = *reinterpret_cast<const Line<T>*>(a.x + k * a.x_stride + i);
      for (int r = 0; r < R; ++r) {
        const Line<T> product = round_line<T, kRounding>(x * a.weights[(first + r) * a.in + k], shift, half);
        if constexpr (kSaturates)
          sum[r] = clamp_line<T>(sum[r] + clamp_line<T>(product, plan.lo, plan.hi), plan.lo, plan.hi);
        else
          sum[r] = reinterpret_cast<Line<T>>(reinterpret_cast<UnsignedLine<T>>(sum[r]) +
                                             reinterpret_cast<UnsignedLine<T>>(product));
      }
    }
    for (int r = 0; r < R; ++r) {
      Line<T> y = sum[r];
      if constexpr (!kSaturates)
        y = reinterpret_cast<Line<T>>(reinterpret_cast<UnsignedLine<T>>(y) << plan.unused_bits) >>
            plan.unused_bits;
      *reinterpret_cast<Line<T>*>(a.y + (first + r) * a.y_stride + i) = y;
    }
  }
}

template <class T, fixed::Rounding kRounding, bool kSaturates>
void accumulate_all(const AccumulateArguments<T>& a) {
  constexpr int kRows = 4;
  Index first = 0;
  for (; first + kRows <= a.out; first += kRows) accumulate_rows<T, kRounding, kSaturates, kRows>(a, first);
  for (; first < a.out; ++first) accumulate_rows<T, kRounding, kSaturates, 1>(a, first);
}

template <class T>
void accumulate(const AccumulateArguments<T>& a) {
  using fixed::Rounding;
  const bool saturates = a.product.overflow == fixed::Overflow::sat;
  switch (a.product.rounding) {
    case Rounding::rnd:
      return saturates ? accumulate_all<T, Rounding::rnd, true>(a)
                       : accumulate_all<T, Rounding::rnd, false>(a);
    case Rounding::rnd_conv:
      return saturates ? accumulate_all<T, Rounding::rnd_conv, true>(a)
                       : accumulate_all<T, Rounding::rnd_conv, false>(a);
    default:
      return saturates ? accumulate_all<T, Rounding::trn, true>(a)
                       : accumulate_all<T, Rounding::trn, false>(a);
  }
}

[[maybe_unused]] void pack_bytes(Index in, Index n, const std::int32_t* x, Index x_stride, int offset,
                                 std::int32_t* to, Index to_stride) {
  for (Index g = 0; 4 * g < in; ++g) {
    std::int32_t* word = to + g * to_stride;
    for (Index i = 0; i < n; ++i) word[i] = 0;
    for (Index k = 4 * g; k < in && k < 4 * g + 4; ++k) {
      const std::int32_t* row = x + k * x_stride;
      const int place = 8 * static_cast<int>(k - 4 * g);
      for (Index i = 0; i < n; ++i)
        word[i] |= static_cast<std::int32_t>(static_cast<std::uint32_t>(row[i] + offset) << place);
    }
  }
}

[[maybe_unused]] void pack_shorts(Index in, Index n, const std::int32_t* x, Index x_stride, std::int32_t* to,
                                  Index to_stride) {
  for (Index g = 0; 2 * g < in; ++g) {
    std::int32_t* word = to + g * to_stride;
    const std::int32_t *low = x + 2 * g * x_stride, *high = low + x_stride;
    if (2 * g + 1 < in)
      for (Index i = 0; i < n; ++i)
        word[i] = static_cast<std::int32_t>((static_cast<std::uint32_t>(low[i]) & 0xffffU) |
                                            (static_cast<std::uint32_t>(high[i]) << 16));
    else
      for (Index i = 0; i < n; ++i) word[i] = low[i] & 0xffff;
  }
}

// R neurons by C registers of samples. D: Register, broadcast(word), load(p), dot(sum, x, w).
template <class D, int R, int C>
void dot_tile(const DotArguments& a, Index first, Index i) {
  using Signed [[gnu::vector_size(sizeof(typename D::Register))]] = std::int32_t;
  using Unsigned [[gnu::vector_size(sizeof(typename D::Register))]] = std::uint32_t;
  constexpr Index kLanesOf = static_cast<Index>(sizeof(typename D::Register)) / 4;
  typename D::Register sum[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sum[r][c] = D::broadcast(0);
  for (Index g = 0; g < a.groups; ++g) {
    typename D::Register x[C];
    for (int c = 0; c < C; ++c) x[c] = D::load(a.x + g * a.x_stride + i + c * kLanesOf);
    for (int r = 0; r < R; ++r) {
      const auto w = D::broadcast(a.weights[(first + r) * a.groups + g]);
      for (int c = 0; c < C; ++c) sum[r][c] = D::dot(sum[r][c], x[c], w);
    }
  }
  for (int r = 0; r < R; ++r) {
    const int unused = 32 - a.widths[first + r];
    const auto bias = static_cast<std::uint32_t>(a.bias[first + r]);
    for (int c = 0; c < C; ++c) {
      const Unsigned total = (reinterpret_cast<Unsigned>(sum[r][c]) << a.align) + bias;
      *reinterpret_cast<Signed*>(a.y + (first + r) * a.y_stride + i + c * kLanesOf) =
          reinterpret_cast<Signed>(total << unused) >> unused;
    }
  }
}

template <class D, int R>
void dot_rows(const DotArguments& a, Index first) {
  constexpr Index kLanesOf = static_cast<Index>(sizeof(typename D::Register)) / 4;
  Index i = 0;
  for (; i + 2 * kLanesOf <= a.samples; i += 2 * kLanesOf) dot_tile<D, R, 2>(a, first, i);
  for (; i < a.samples; i += kLanesOf) dot_tile<D, R, 1>(a, first, i);
}

template <class D>
void dots(const DotArguments& a) {
  constexpr int kRows = sizeof(typename D::Register) == 64 ? 8 : 4;
  Index first = 0;
  for (; first + kRows <= a.out; first += kRows) dot_rows<D, kRows>(a, first);
  for (; first < a.out; ++first) dot_rows<D, 1>(a, first);
}

template <class T>
constexpr IntegerKernelsOf<T> kernels_of() {
  return {cast<T>, count<T>, widen<T>, dense<T>, accumulate<T>, scale_shift<T>, scale<T>,
          add<T>,  sub<T>,   mul<T>,   relu<T>,  quantize<T>,   argmax<T>};
}

}  // namespace
}  // namespace jsc
