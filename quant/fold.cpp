#include "quant/fold.hpp"

namespace jsc {

namespace {

void deliver(const Tape::Sink& sink, Index i, float d) {
  if (sink.d) sink.d.data[i] = sink.accumulate ? sink.d.data[i] + d : d;
}

// The step of b' does both, forward and backward: where W' is used, so is b'.
struct FoldStep {
  Variable weight, bias, alpha, beta, folded_weight, folded_bias;

  void forward(Tape& tape) const {
    const Matrix w = tape.value(weight), to = tape.value(folded_weight);
    for (Index o = 0; o < w.rows; ++o)
      tape.value(folded_bias).data[o] =
          fold_neuron(w.cols, tape.value(alpha).data[o], tape.value(beta).data[o], w.row(o),
                      bias ? tape.value(bias).data[o] : 0.0F, to.row(o));
  }

  void backward(Tape& tape) const {
    const Tape::Sink none{{}, false};
    const Tape::Sink d_weight = tape.sink(weight), d_alpha = tape.sink(alpha), d_beta = tape.sink(beta);
    const Tape::Sink d_bias = bias ? tape.sink(bias) : none;
    const ConstMatrix w = tape.value(weight), d_folded = tape.d(folded_weight);
    for (Index o = 0; o < w.rows; ++o) {
      const float a = tape.value(alpha).data[o], d = tape.d(folded_bias).data[o];
      float sum = bias ? tape.value(bias).data[o] * d : 0.0F;
      for (Index k = 0; k < w.cols; ++k) {
        sum += d_folded(o, k) * w(o, k);
        if (d_weight.d) {
          float& at = d_weight.d.row(o)[k];
          at = d_weight.accumulate ? at + a * d_folded(o, k) : a * d_folded(o, k);
        }
      }
      deliver(d_alpha, o, sum);
      deliver(d_beta, o, d);
      deliver(d_bias, o, a * d);
    }
  }
};

struct FoldedWeightStep {
  void forward(Tape&) const {}
  void backward(Tape&) const {}
};

}  // namespace

std::pair<Variable, Variable> fold(Tape& tape, Variable weight, Variable bias, Variable alpha,
                                   Variable beta) {
  const Matrix w = tape.value(weight);
  const Variable folded_weight = tape.output(w.rows, w.cols, {weight, bias, alpha, beta});
  const Variable folded_bias = tape.output(1, w.rows, {weight, bias, alpha, beta});
  tape.record("fold", folded_bias, FoldStep{weight, bias, alpha, beta, folded_weight, folded_bias});
  tape.record("fold", folded_weight, FoldedWeightStep{});
  return {folded_weight, folded_bias};
}

}  // namespace jsc
