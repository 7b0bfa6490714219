// block_fp: block floating point. A block shares one exponent e of E bits, biased by b; each number has a
// sign and m = width - 1 bits of mantissa (Wilkinson 1963; Drumond et al., NeurIPS 2018; the OCP microscaling
// formats' MXINT8 is of this kind; mase-spec.md 6.6).
//   e = clamp(floor(log2 A) + 1, -b, 2^E - 1 - b), A the largest magnitude of the block, so that A < 2^e
//   Q(x) = sign(x) min(round(|x| 2^(m-e)), 2^m - 1) 2^(e-m), ties to even
//
// compat = "mase": e = ceil(log2 A) in float32, so that an A that is a power of two saturates (1 gives
// 127/128 with width 8); |x| <= 1e-8 passes through; infinities give NaN.
#pragma once

#include "quant/quantizer/blocks.hpp"

namespace jsc {

struct BlockFpFormat {
  int width, exponent_width, bias;
  int mantissa_bits() const { return width - 1; }
  int highest_exponent() const { return (1 << exponent_width) - 1 - bias; }
};

class BlockFpQuantizer final : public BlockQuantizer {
 public:
  BlockFpQuantizer(const BlockFpFormat& format, std::vector<int> block_size, bool mase)
      : BlockQuantizer(format.width, std::move(block_size), mase), format_(format) {}

  std::string_view name() const override { return "block_fp"; }
  MetaValue precision() const override;
  PassRange pass_range() const override;

 protected:
  void quantize_block(float maximum, ConstMatrix x, Matrix y) const override;

 private:
  BlockFpFormat format_;
};

}  // namespace jsc
