// block_log: a block shares the exponent bias b, of B bits, of its powers of two (mase-spec.md 6.8).
//   b = clamp(2^E - 1 - ceil(log2 A), 0, 2^B - 1), A the largest magnitude of the block, E = width - 1
// and Q is log's with that bias.
//
// compat = "mase": with log's defects, and float32's logarithm of A.
#pragma once

#include "quant/quantizer/blocks.hpp"

namespace jsc {

class BlockLogQuantizer final : public BlockQuantizer {
 public:
  BlockLogQuantizer(int width, int bias_width, std::vector<int> block_size, bool mase)
      : BlockQuantizer(width, std::move(block_size), mase), bias_width_(bias_width) {}

  std::string_view name() const override { return "block_log"; }
  MetaValue precision() const override;
  PassRange pass_range() const override;

 protected:
  void quantize_block(float maximum, ConstMatrix x, Matrix y) const override;

 private:
  int bias_width_;
};

}  // namespace jsc
