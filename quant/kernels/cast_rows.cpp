#include "quant/kernels/cast_rows.hpp"

#include <type_traits>

#include "quant/fixed/cast.hpp"
#include "quant/kernels/integer_kernels.hpp"

namespace jsc {

namespace {

// Modes whose result depends on more than the rounded number, and a corner that is rare enough.
bool needs_source(const fixed::Format& format) {
  using fixed::Overflow;
  return format.overflow == Overflow::wrap_sm ||
         (format.overflow == Overflow::wrap && format.saturated_bits > 0) ||
         (format.overflow == Overflow::sat_sym && format.width == 1);
}

// Whether -2^bits <= from[i] < 2^bits for all: bits from there on are then the sign's, and equal.
template <class T>
bool fit(Index n, const T* from, int bits) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned changes = 0;  // of any bit from the one below it
  for (Index i = 0; i < n; ++i) {
    const auto x = static_cast<Unsigned>(from[i]);
    changes |= x ^ (x << 1);
  }
  return changes >> bits < 2;
}

template <class T>
void cast_any(const IntegerKernelsOf<T>& kernels, Index n, const T* from, int fraction,
              const fixed::Format& format, T* to) {
  constexpr int kBits = 8 * sizeof(T);
  const int shift = fraction - format.fraction();
  // Kernels shift down only; to more fraction bits than there are goes by a product, where T has room for it.
  if (shift < 0 && -shift < kBits - 2 && !needs_source(format) && fit(n, from, kBits - 2 + shift)) {
    kernels.scale(n, T{1} << -shift, from, to);
    return cast_any(kernels, n, to, format.fraction(), format, to);
  }
  if (needs_source(format) || shift < 0 || shift > kBits - 2 || format.width >= kBits) {
    for (Index i = 0; i < n; ++i) to[i] = static_cast<T>(fixed::cast(from[i], fraction, format));
    return;
  }
  T lo = static_cast<T>(format.min_raw());
  const T hi = static_cast<T>(format.max_raw());
  if (format.overflow == fixed::Overflow::sat_sym) lo = format.is_signed ? -hi : 0;
  kernels.cast(n, from,
               {shift, format.rounding, format.overflow, format.is_signed, kBits - format.width, lo, hi}, to);
}

}  // namespace

void cast_row(Isa isa, Index n, const std::int64_t* from, int fraction, const fixed::Format& format,
              std::int64_t* to) {
  cast_any(integer_kernels(isa).wide, n, from, fraction, format, to);
}

void cast_row(Isa isa, Index n, const std::int32_t* from, int fraction, const fixed::Format& format,
              std::int32_t* to) {
  cast_any(integer_kernels(isa).narrow, n, from, fraction, format, to);
}

}  // namespace jsc
