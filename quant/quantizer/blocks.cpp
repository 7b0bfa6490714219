#include "quant/quantizer/blocks.hpp"

#include <algorithm>
#include <cmath>

#include "quant/quantizer/elementwise.hpp"

namespace jsc {

namespace {

struct Extent {
  Index rows, cols;
};

// The shape of a block in memory.
Extent block_extent(ConstMatrix x, TensorKind kind, const std::vector<int>& size) {
  const auto part = [](int wanted, Index all) { return wanted < 0 ? all : std::min<Index>(wanted, all); };
  const int last = size.back(), before = size.size() > 1 ? size[size.size() - 2] : -1;
  switch (kind) {
    case TensorKind::activation:
      return {part(last, x.rows), 1};
    case TensorKind::bias:
      return {1, part(last, x.cols)};
    case TensorKind::weight:
      break;
  }
  return {part(before, x.rows), part(last, x.cols)};
}

// f(block of x, block of y), by rows of blocks.
template <class Function>
void for_each_block(ConstMatrix x, Matrix y, Extent extent, const Function& f) {
  for (Index r = 0; r < x.rows; r += extent.rows)
    for (Index c = 0; c < x.cols; c += extent.cols) {
      const Index rows = std::min(extent.rows, x.rows - r), cols = std::min(extent.cols, x.cols - c);
      f(ConstMatrix{x.row(r) + c, rows, cols, x.stride}, Matrix{y.row(r) + c, rows, cols, y.stride});
    }
}

float largest_magnitude(ConstMatrix x, bool mase) {
  float largest = 0.0F;
  for (Index r = 0; r < x.rows; ++r)
    for (Index c = 0; c < x.cols; ++c) {
      const float size = std::fabs(x(r, c));
      if (mase && std::isnan(size)) return size;
      if (size > largest) largest = size;
    }
  return mase ? largest : std::min(largest, std::numeric_limits<float>::max());
}

// What MASE takes for the maximum of a block of zeros.
float maximum_of_zeros(const std::vector<float>& maxima) {
  float smallest = std::numeric_limits<float>::infinity();
  for (float maximum : maxima)
    if (maximum > 0.0F) smallest = std::min(smallest, maximum);
  return std::ranges::all_of(maxima, [](float maximum) { return maximum == 0.0F; }) ? 1.0F : smallest;
}

}  // namespace

void BlockQuantizer::quantize(ConstMatrix x, TensorKind kind, Matrix y) const {
  const Extent extent = block_extent(x, kind, block_size_);
  float of_zeros = 0.0F;
  if (mase_) {
    std::vector<float> maxima;
    for_each_block(x, y, extent,
                   [&](ConstMatrix from, Matrix) { maxima.push_back(largest_magnitude(from, true)); });
    of_zeros = maximum_of_zeros(maxima);
  }
  for_each_block(x, y, extent, [&](ConstMatrix from, Matrix to) {
    const float largest = largest_magnitude(from, mase_), maximum = largest == 0.0F ? of_zeros : largest;
    if (std::isnan(maximum) || maximum == 0.0F)  // zeros and NaN stay; MASE's NaN is everywhere
      quantize_each(from, to, [&](float v) { return maximum == 0.0F ? v : maximum; });
    else
      quantize_block(maximum, from, to);
  });
}

}  // namespace jsc
