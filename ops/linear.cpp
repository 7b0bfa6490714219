#include "ops/linear.hpp"

#include "engine/gemm.hpp"
#include "ops/rows.hpp"

namespace jsc {

void linear_forward(const Execution& execution, ConstMatrix x, ConstMatrix weight, ConstMatrix bias,
                    Matrix y) {
  gemm_forward(execution, weight, bias.data, x, y);
}

void linear_backward_input(const Execution& execution, ConstMatrix weight, ConstMatrix d_y, Matrix d_x,
                           bool accumulate) {
  gemm_backward_input(execution, weight, d_y, d_x, accumulate);
}

void linear_backward_weight(const Execution& execution, ConstMatrix x, ConstMatrix d_y, Matrix d_weight,
                            bool accumulate) {
  gemm_backward_weight(execution, d_y, x, d_weight, accumulate);
}

void linear_backward_bias(const Execution& execution, ConstMatrix d_y, Matrix d_bias, bool accumulate) {
  row_sums(execution, d_y, d_bias.data, accumulate);
}

namespace {

struct LinearStep {
  Variable x, weight, bias, y;

  void forward(Tape& tape) const {
    linear_forward(tape.execution(), tape.value(x), tape.value(weight), bias ? tape.value(bias) : Matrix{},
                   tape.value(y));
  }
  void backward(Tape& tape) const {
    const ConstMatrix d_y = tape.d(y);
    const Tape::Sink d_weight = tape.sink(weight);
    if (d_weight.d)
      linear_backward_weight(tape.execution(), tape.value(x), d_y, d_weight.d, d_weight.accumulate);
    if (bias) {
      const Tape::Sink d_bias = tape.sink(bias);
      if (d_bias.d) linear_backward_bias(tape.execution(), d_y, d_bias.d, d_bias.accumulate);
    }
    const Tape::Sink d_x = tape.sink(x);
    if (d_x.d) linear_backward_input(tape.execution(), tape.value(weight), d_y, d_x.d, d_x.accumulate);
  }
};

}  // namespace

Variable linear(Tape& tape, Variable x, Variable weight, Variable bias) {
  const Matrix vx = tape.value(x), w = tape.value(weight);
  if (w.cols != vx.rows)
    fail("linear, weight '{}': expected {} columns (the input's features), found {} x {}", tape.name(weight),
         vx.rows, w.rows, w.cols);
  if (vx.stride % kLanes != 0)
    fail("linear, input '{}': expected rows padded to {} floats (an activation), found a stride of {}",
         tape.name(x), kLanes, vx.stride);
  if (bias) require_shape("linear", "bias", 1, w.rows, tape.value(bias).rows, tape.value(bias).cols);
  const Variable y = tape.output(w.rows, vx.cols, {x, weight, bias});
  tape.record("linear", y, LinearStep{x, weight, bias, y});
  return y;
}

}  // namespace jsc
