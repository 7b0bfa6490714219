#include "quant/quantizer/integer.hpp"

#include <bit>
#include <cmath>

#include "engine/error.hpp"
#include "quant/fixed/cast.hpp"

namespace jsc {

namespace {

// Rounding half to even without a rounding instruction: adding and subtracting 1.5 * 2^23 leaves no bit below
// one for |v| <= 2^22 (in double 1.5 * 2^52 and 2^51). The sign of v is put back for the zeros.
float round_half_even(float v) {
  constexpr float kMagic = 0x1.8p23F;
  return std::copysign((v + kMagic) - kMagic, v);
}
double round_half_even(double v) {
  constexpr double kMagic = 0x1.8p52;
  return std::copysign((v + kMagic) - kMagic, v);
}

// RND_CONV, then SAT, where T holds every number from lo - 1 to hi + 1. NaN passes through and -0 stays.
template <class T>
T clamped_round(T v, T lo, T hi) {
  v = v < lo - 1 ? lo - 1 : v;  // so that round_half_even is right
  v = v > hi + 1 ? hi + 1 : v;
  v = round_half_even(v);
  v = v < lo ? lo : v;
  return v > hi ? hi : v;
}

template <class T>
void quantize_row(Index n, const float* x, T scale, T inverse, T lo, T hi, float* y) {
  for (Index i = 0; i < n; ++i)
    y[i] = static_cast<float>(clamped_round(static_cast<T>(x[i]) * scale, lo, hi) * inverse);
}

// What the fast loops do; the factors 2^f and 2^-f must be normal floats.
bool is_plain(const fixed::Format& format) {
  return format.rounding == fixed::Rounding::rnd_conv && format.overflow == fixed::Overflow::sat &&
         format.fraction() > -100 && format.fraction() < 100;
}

}  // namespace

FixedQuantizer::FixedQuantizer(fixed::Format format, std::string_view name) : format_(format), name_(name) {
  fixed::check(format);
}

MetaValue FixedQuantizer::precision() const {
  return MetaValue::array({format_.width, format_.fraction()});
}

float quantize_fixed(float x, const fixed::Format& format) {
  if (std::isnan(x)) return x;
  const auto value = static_cast<float>(fixed::to_double(fixed::from_double(x, format), format.fraction()));
  // A negative number that rounds to nothing keeps its sign, as in the floating-point formula.
  const bool vanishes = value == 0.0F && format.rounding == fixed::Rounding::rnd_conv &&
                        std::fabs(x) <= 0.5 * format.resolution();
  return vanishes ? std::copysign(value, x) : value;
}

void FixedQuantizer::quantize(ConstMatrix x, TensorKind, Matrix y) const {
  const int fraction = format_.fraction();
  const bool plain = is_plain(format_);
  for (Index r = 0; r < x.rows; ++r) {
    const auto lo = static_cast<double>(format_.min_raw()), hi = static_cast<double>(format_.max_raw());
    if (plain && format_.width <= 21) {
      quantize_row<float>(x.cols, x.row(r), std::ldexp(1.0F, fraction), std::ldexp(1.0F, -fraction),
                          static_cast<float>(lo), static_cast<float>(hi), y.row(r));
    } else if (plain && format_.width <= 49) {
      quantize_row<double>(x.cols, x.row(r), std::ldexp(1.0, fraction), std::ldexp(1.0, -fraction), lo, hi,
                           y.row(r));
    } else {
      for (Index c = 0; c < x.cols; ++c) y(r, c) = quantize_fixed(x(r, c), format_);
    }
  }
}

PassRange FixedQuantizer::pass_range() const {
  using fixed::Overflow;
  if (format_.overflow == Overflow::wrap || format_.overflow == Overflow::wrap_sm) return {};
  const double half = 0.5 * format_.resolution();
  return {static_cast<float>(fixed::to_double(format_.min_raw(), format_.fraction()) - half),
          static_cast<float>(fixed::to_double(format_.max_raw(), format_.fraction()) + half)};
}

template <class T>
void quantize_to_raw(ConstMatrix x, const fixed::Format& format, T* raw, Index stride) {
  const int fraction = format.fraction();
  if (is_plain(format) && format.width <= 49) {
    const auto lo = static_cast<double>(format.min_raw()), hi = static_cast<double>(format.max_raw());
    const double scale = std::ldexp(1.0, fraction);
    for (Index r = 0; r < x.rows; ++r)
      for (Index c = 0; c < x.cols; ++c) {
        const float v = x(r, c);
        raw[r * stride + c] = std::isnan(v) ? T{0} : static_cast<T>(clamped_round(v * scale, lo, hi));
      }
    return;
  }
  for (Index r = 0; r < x.rows; ++r)
    for (Index c = 0; c < x.cols; ++c)
      raw[r * stride + c] = static_cast<T>(fixed::from_double(x(r, c), format));
}

template void quantize_to_raw(ConstMatrix, const fixed::Format&, std::int32_t*, Index);
template void quantize_to_raw(ConstMatrix, const fixed::Format&, std::int64_t*, Index);

}  // namespace jsc
