// block_minifloat: a block shares the exponent bias b, of B bits, of its minifloats (Fox et al., A Block
// Minifloat Representation for Training Deep Neural Networks, ICLR 2021; mase-spec.md 6.7).
//   b = clamp(2^E - 1 - floor(log2 A), 0, 2^B - 1), A the largest magnitude of the block: the highest
//   exponent is A's
// and Q is minifloat_ieee's with that bias.
//
// compat = "mase": b = clamp(floor(log2 A), 0, 2^B - 1), the wrong sign: numbers below 1 are left with the
// subnormal codes of bias 0. And what minifloat_ieee does there.
#pragma once

#include "quant/quantizer/blocks.hpp"

namespace jsc {

struct BlockMinifloatFormat {
  int width, exponent_width, bias_width;
};

class BlockMinifloatQuantizer final : public BlockQuantizer {
 public:
  BlockMinifloatQuantizer(const BlockMinifloatFormat& format, std::vector<int> block_size, bool mase)
      : BlockQuantizer(format.width, std::move(block_size), mase), format_(format) {}

  std::string_view name() const override { return "block_minifloat"; }
  MetaValue precision() const override;
  PassRange pass_range() const override;

 protected:
  void quantize_block(float maximum, ConstMatrix x, Matrix y) const override;

 private:
  BlockMinifloatFormat format_;
};

}  // namespace jsc
