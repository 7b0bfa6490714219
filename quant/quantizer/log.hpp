// log: powers of two (Miyashita, Lee and Murmann, arXiv:1603.01025, 2016): a sign and an exponent of
// E = width - 1 bits, biased by b. Exponent field 0 stands for zero, as Miyashita's lowest code does.
//   0 and 2^e,  e = 1 - b .. 2^E - 1 - b
//   Q(x) = sign(x) 2^min(round(log2 |x|), 2^E - 1 - b), and 0 where that exponent would be -b or less
// The rounding is in the logarithm: up from sqrt(2) 2^e on, which no float is, so there are no ties. The
// exponent is taken from the bits. float32 has no exponent above 127.
//
// compat = "mase" (mase-spec.md 6.4): there is no zero, field 0 is 2^-b; 0.1 2^-b is added to x before sign
// and logarithm, so that numbers between -0.1 2^-b and 0 come out positive; and the logarithm is float32's.
#pragma once

#include "quant/quantizer/quantizer.hpp"

namespace jsc {

struct LogFormat {
  int width, bias;
  int highest_exponent() const { return (1 << (width - 1)) - 1 - bias; }
};

float round_to_log(float x, const LogFormat& format);
float mase_log(float x, const LogFormat& format);
// The largest number, as far as float32 has it.
float largest_log(const LogFormat& format);

class LogQuantizer final : public Quantizer {
 public:
  LogQuantizer(const LogFormat& format, bool mase) : format_(format), mase_(mase) {}

  std::string_view name() const override { return "log"; }
  MetaValue precision() const override;
  int width() const override { return format_.width; }
  void quantize(ConstMatrix x, TensorKind kind, Matrix y) const override;
  PassRange pass_range() const override;

 private:
  LogFormat format_;
  bool mase_;
};

}  // namespace jsc
