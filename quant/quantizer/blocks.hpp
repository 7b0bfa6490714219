// Blocks of numbers that share something, and the frame of the formats made of them (mase-spec.md 6.5).
// `block_size` is aligned with the tensor's shape from the right: its last number counts columns of a weight,
// elements of a bias, features of a sample; the one before it rows of a weight. Missing numbers, -1 and
// numbers larger than the tensor mean all of them. The last blocks may be smaller.
//
// Each block is on its own, and a block of zeros stays zero; an infinity counts as the largest float32, and
// NaN does not count. With compat = "mase" blocks of zeros take the smallest maximum of the others, so that a
// sample's numbers depend on the rest of its batch, and NaN spreads to its block.
#pragma once

#include <vector>

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

class BlockQuantizer : public Quantizer {
 public:
  int width() const final { return width_; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const final;

 protected:
  // The numbers of block_size are -1 or at least 1, and there is one or more.
  BlockQuantizer(int width, std::vector<int> block_size, bool mase)
      : width_(width), block_size_(std::move(block_size)), mase_(mase) {}

  // Q of the numbers of one block, the largest magnitude of which is `maximum` (above 0 and finite, except
  // with MASE's rules).
  virtual void quantize_block(float maximum, ConstMatrix x, Matrix y) const = 0;

  const std::vector<int>& block_size() const { return block_size_; }
  bool mase() const { return mase_; }

 private:
  int width_;
  std::vector<int> block_size_;
  bool mase_;
};

}  // namespace jsc
