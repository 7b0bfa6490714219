#include "quant/fake_quantize.hpp"

#include "quant/exact.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

struct FakeQuantizeStep {
  Variable x, y;
  const Quantizer* quantizer;
  TensorKind kind;
  Ste ste;
  ExactView from;  // integers of x, if float32 does not hold it
  ExactView to;    // integers of y, if float32 does not hold it

  void forward(Tape& tape) const {
    const Matrix vx = tape.value(x), vy = tape.value(y);
    if (!from.raw && !to.raw) {
      quantizer->quantize(vx, kind, vy);
      return;
    }
    const fixed::Format& format = *quantizer->fixed_format();
    if (!from.raw) quantize_to_raw(vx, format, to.raw, vy.stride);
    for (Index r = 0; r < vy.rows; ++r)
      for (Index c = 0; c < vy.cols; ++c) {
        const std::int64_t raw =
            from.raw
                ? static_cast<std::int64_t>(fixed::cast(from.raw[r * vx.stride + c], from.fraction, format))
                : to.raw[r * vy.stride + c];
        if (to.raw) to.raw[r * vy.stride + c] = raw;
        vy(r, c) = static_cast<float>(fixed::to_double(raw, format.fraction()));
      }
  }

  void backward(Tape& tape) const {
    const Tape::Sink d_x = tape.sink(x);
    if (!d_x.d) return;
    const ConstMatrix d_y = tape.d(y), vx = tape.value(x);
    const PassRange range = ste == Ste::clip ? quantizer->pass_range() : PassRange{};
    for (Index r = 0; r < vx.rows; ++r) {
      const float* in = vx.row(r);
      const float* dy = d_y.row(r);
      float* dx = d_x.d.row(r);
      for (Index c = 0; c < vx.cols; ++c) {
        const float d = in[c] >= range.lo && in[c] <= range.hi ? dy[c] : 0.0F;
        dx[c] = d_x.accumulate ? dx[c] + d : d;
      }
    }
  }
};

}  // namespace

Variable fake_quantize(Tape& tape, Variable x, const Quantizer& quantizer, TensorKind kind, Ste ste,
                       std::string label) {
  const Matrix vx = tape.value(x);
  const Variable y = tape.output(vx.rows, vx.cols, {x});
  const fixed::Format* format = quantizer.fixed_format();
  FakeQuantizeStep step{x, y, &quantizer, kind, ste, {}, {}};
  if (format != nullptr) {
    step.from = exact_view(tape, x);
    if (format->width > kFloatBits) step.to = make_exact(tape, y, format->fraction());
  }
  tape.record("fake_quantize", y, step);
  tape.annotate({y, std::move(label), step.to.raw, step.to.fraction});
  return y;
}

}  // namespace jsc
