// An activation whose every float outside rows x cols is a known pattern, to catch a kernel that writes
// there.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

class Guarded {
 public:
  // `stride` floats from row to row (at least cols), with a margin before the first row and after the last.
  Guarded(Index rows, Index cols, Index stride)
      : data_(static_cast<std::size_t>(rows * stride + 2 * kMargin), pattern()),
        rows_(rows),
        cols_(cols),
        stride_(stride) {
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) view()(r, c) = 0.0F;
  }

  Matrix view() { return {data_.data() + kMargin, rows_, cols_, stride_}; }

  bool intact() {
    Index i = -kMargin;
    for (float value : data_) {
      const bool outside = i < 0 || i >= rows_ * stride_ || i % stride_ >= cols_;
      if (outside && std::bit_cast<std::uint32_t>(value) != kPattern) return false;
      ++i;
    }
    return true;
  }

 private:
  static constexpr Index kMargin = 32;
  static constexpr std::uint32_t kPattern = 0x7fa5a5a5;  // a NaN: also poisons any result that reads it
  static float pattern() { return std::bit_cast<float>(kPattern); }

  std::vector<float> data_;
  Index rows_, cols_, stride_;
};

}  // namespace jsc
