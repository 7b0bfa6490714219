// How the tiled kernels cut rows, columns and samples.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jsc::kernels {

constexpr std::ptrdiff_t kBlock = 512;  // samples of a reduction block: kSampleBlock of tensor.hpp

// Splits `size` into pieces of at most `largest`, as even as can be: 16 by 6 gives 6 5 5, and no piece of 8
// by 6 is left with too few independent chains. (always_inline: a copy out of line would be shared between
// ISAs, and the linker might keep the one with the wrong instructions.)
struct EvenSplit {
  std::ptrdiff_t pieces, small, larger;
  [[gnu::always_inline]] EvenSplit(std::ptrdiff_t size, std::ptrdiff_t largest)
      : pieces(1), small(size), larger(0) {
    if (size <= largest) return;
    // In 32 bits, which divide in half the time: this stands before every product of a small layer.
    const auto whole = static_cast<std::uint32_t>(size);
    const std::uint32_t count =
        (whole + static_cast<std::uint32_t>(largest) - 1) / static_cast<std::uint32_t>(largest);
    pieces = count;
    small = whole / count;
    larger = whole % count;
  }
  [[gnu::always_inline]] std::ptrdiff_t size(std::ptrdiff_t i) const {
    return i < larger ? small + 1 : small;
  }
};

}  // namespace jsc::kernels
