// The integer that carries every raw value and exact intermediate: 128 bits, two's complement.
#pragma once

#include <bit>
#include <cstdint>

namespace jsc::fixed {

__extension__ typedef __int128 Wide;            // NOLINT(modernize-use-using)
__extension__ typedef unsigned __int128 UWide;  // NOLINT(modernize-use-using)

inline constexpr int kWideBits = 128;
inline constexpr Wide kWideMin = static_cast<Wide>(UWide{1} << (kWideBits - 1));

// Bit `position` of the two's complement of x, which the sign extends without end.
constexpr bool bit(Wide x, int position) {
  return ((x >> (position < kWideBits ? position : kWideBits - 1)) & 1) != 0;
}

// |x|; the magnitude of the smallest Wide fits.
constexpr UWide magnitude(Wide x) {
  return x < 0 ? -static_cast<UWide>(x) : static_cast<UWide>(x);
}

// The number of bits that x needs: 0 for 0, else 1 + floor(log2 x).
constexpr int bit_length(UWide x) {
  const auto high = static_cast<std::uint64_t>(x >> 64), low = static_cast<std::uint64_t>(x);
  return high != 0 ? kWideBits - std::countl_zero(high) : 64 - std::countl_zero(low);
}

}  // namespace jsc::fixed
