#include "quant/pair_operation.hpp"

#include <cmath>
#include <string>

#include "ops/add.hpp"
#include "ops/mul.hpp"
#include "ops/sub.hpp"

namespace jsc {

namespace {

// Writes the integers of a result whose floats another step computed, and rounds the floats from them.
struct ExactPairStep {
  PairOperation operation;
  Variable floats, y;
  ExactOperand a, b;
  ExactView exact;

  void forward(Tape& tape) const {
    a.update(tape);
    b.update(tape);
    const Matrix value = tape.value(y);
    const double scale = std::ldexp(1.0, -exact.fraction);
    for (Index i = 0; i < value.rows * value.stride; ++i) {
      const std::int64_t x = a.raw()[i], z = b.raw()[i];
      exact.raw[i] = operation == PairOperation::add   ? x + z
                     : operation == PairOperation::sub ? x - z
                                                       : x * z;
      value.data[i] = static_cast<float>(static_cast<float>(exact.raw[i]) * scale);
    }
  }
  void backward(Tape& tape) const {
    const Tape::Sink d = tape.sink(floats);
    if (d.d) add_backward(tape.execution(), tape.d(y), d.d, d.accumulate);
  }
};

}  // namespace

std::string_view pair_operation_name(PairOperation operation) {
  switch (operation) {
    case PairOperation::add:
      return "add";
    case PairOperation::sub:
      return "sub";
    case PairOperation::mul:
      return "mul";
  }
  return "";
}

Variable float_pair(Tape& tape, PairOperation operation, Variable a, Variable b) {
  switch (operation) {
    case PairOperation::add:
      return add(tape, a, b);
    case PairOperation::sub:
      return sub(tape, a, b);
    case PairOperation::mul:
      return mul(tape, a, b);
  }
  return {};
}

int pair_bits(PairOperation operation, const fixed::Format& format, std::string_view where) {
  const int bits = operation == PairOperation::mul ? 2 * format.width : format.width + 1;
  if (bits >= kExactBits - 1)
    fail("{}: {} of two numbers of {} bits needs {} bits, expected at most {}", where,
         pair_operation_name(operation), format.width, bits, kExactBits - 2);
  return bits;
}

int pair_fraction(PairOperation operation, const fixed::Format& format) {
  return operation == PairOperation::mul ? 2 * format.fraction() : format.fraction();
}

Variable exact_pair(Tape& tape, PairOperation operation, Variable a, Variable b, const fixed::Format& format,
                    std::string_view path) {
  const int bits = pair_bits(operation, format, path);
  const std::string label = std::string(path) + ".sum";
  const Variable floats = float_pair(tape, operation, a, b);
  if (fits_float(bits, pair_fraction(operation, format))) {
    tape.annotate({floats, label});
    return floats;
  }
  const Matrix value = tape.value(floats);
  const Variable y = tape.output(value.rows, value.cols, {floats});
  const ExactView exact = make_exact(tape, y, pair_fraction(operation, format));
  tape.record("exact_pair", y,
              ExactPairStep{operation, floats, y, ExactOperand(tape, a, format.fraction()),
                            ExactOperand(tape, b, format.fraction()), exact});
  tape.annotate({y, label, exact.raw, exact.fraction});
  return y;
}

}  // namespace jsc
