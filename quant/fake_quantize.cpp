#include "quant/fake_quantize.hpp"

#include <cmath>
#include <numbers>

#include "quant/exact.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

struct FakeQuantizeStep {
  Variable x, y, log2_threshold;
  const Quantizer* quantizer;
  TensorKind kind;
  Ste ste;
  bool draws;
  RandomStream random;
  ExactView from;  // integers of x, if float32 does not hold it
  ExactView to;    // integers of y, if float32 does not hold it

  void forward(Tape& tape) const {
    const Matrix vx = tape.value(x), vy = tape.value(y);
    if (!from.raw && !to.raw) {
      if (draws) {
        for (Index r = 0; r < vy.rows; ++r)
          fill_uniform(random, (tape.training_step << 32) + static_cast<std::uint64_t>(r * vy.cols), 0.0F,
                       1.0F, vy.row(r), vy.cols, tape.execution().isa);
        quantizer->quantize_random(vx, kind, vy);
      } else {
        quantizer->quantize(vx, kind, vy);
      }
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
    if (log2_threshold) threshold_backward(tape);
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

  // In the order of the numbers, whatever the threads: one sum.
  void threshold_backward(Tape& tape) const {
    const Tape::Sink sink = tape.sink(log2_threshold);
    if (!sink.d) return;
    const ConstMatrix d_y = tape.d(y), vx = tape.value(x), vy = tape.value(y);
    const PassRange range = quantizer->pass_range();
    double sum = 0;
    for (Index r = 0; r < vx.rows; ++r)
      for (Index c = 0; c < vx.cols; ++c) {
        const float in = vx(r, c), out = vy(r, c);
        if (!std::isnan(in)) sum += d_y(r, c) * (in >= range.lo && in <= range.hi ? out - in : out);
      }
    const auto d = static_cast<float>(std::numbers::ln2 * sum);
    sink.d.data[0] = sink.accumulate ? sink.d.data[0] + d : d;
  }
};

}  // namespace

Variable fake_quantize(Tape& tape, Variable x, const FakeQuantization& how, std::string label) {
  const Matrix vx = tape.value(x);
  const Variable y = tape.output(vx.rows, vx.cols, {x, how.log2_threshold});
  const fixed::Format* format = how.quantizer.fixed_format();
  FakeQuantizeStep step{x,        y,       how.log2_threshold,     &how.quantizer,
                        how.kind, how.ste, how.random.has_value(), how.random.value_or(RandomStream{}),
                        {},       {}};
  if (format != nullptr) {
    step.from = exact_view(tape, x);
    if (format->width > kFloatBits) step.to = make_exact(tape, y, format->fraction());
  }
  tape.record("fake_quantize", y, step);
  tape.annotate({y, std::move(label), step.to.raw, step.to.fraction});
  return y;
}

}  // namespace jsc
