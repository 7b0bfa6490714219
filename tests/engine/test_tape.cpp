#include <catch2/catch.hpp>

#include "engine/tape.hpp"

using namespace jsc;

namespace {

// y = a * b, element by element: the smallest step with two inputs.
struct Product {
  Variable a, b, y;
  void forward(Tape& tape) const {
    const Matrix va = tape.value(a), vb = tape.value(b), vy = tape.value(y);
    for (Index r = 0; r < vy.rows; ++r)
      for (Index c = 0; c < vy.cols; ++c) vy(r, c) = va(r, c) * vb(r, c);
  }
  void backward(Tape& tape) const {
    push(tape, a, b);
    push(tape, b, a);
  }
  void push(Tape& tape, Variable to, Variable other) const {
    const Tape::Sink sink = tape.sink(to);
    if (!sink.d) return;
    const ConstMatrix d_y = tape.d(y);
    for (Index r = 0; r < d_y.rows; ++r)
      for (Index c = 0; c < d_y.cols; ++c)
        sink.d(r, c) = (sink.accumulate ? sink.d(r, c) : 0.0F) + d_y(r, c) * tape.value(other)(r, c);
  }
};

Variable product(Tape& tape, Variable a, Variable b) {
  const Variable y = tape.output(tape.value(a).rows, tape.value(a).cols, {a, b});
  tape.record("product", y, Product{a, b, y});
  return y;
}

struct Scalar {
  float value, gradient = 0.0F;
  Matrix view() { return {&value, 1, 1, 1}; }
  Matrix d() { return {&gradient, 1, 1, 1}; }
};

}  // namespace

TEST_CASE("a variable that feeds several steps collects every contribution") {
  Tape tape;
  Scalar p{3.0F};
  const Variable w = tape.parameter(p.view(), p.d(), "w");
  const Variable cube = product(tape, product(tape, w, w), w);
  for (float value : {3.0F, -2.0F}) {  // replayed on new data
    p.value = value;
    tape.forward();
    CHECK(tape.value(cube)(0, 0) == value * value * value);
    tape.backward(cube);
    CHECK(p.gradient == 3.0F * value * value);
  }
}

TEST_CASE("a parameter recorded twice is one variable") {
  Tape tape;
  Scalar p{2.0F};
  const Variable a = tape.parameter(p.view(), p.d(), "w");
  const Variable b = tape.parameter(p.view(), p.d(), "w");
  CHECK(a.id == b.id);
}

TEST_CASE("misuse of the tape is an error that says what is wrong") {
  Tape tape;
  Scalar used{2.0F}, unused{1.0F};
  const Variable w = tape.parameter(used.view(), used.d(), "used");
  const Variable u = tape.parameter(unused.view(), unused.d(), "unused");
  const Variable x = tape.input(1, 1);
  const Variable y = product(tape, w, x);
  const Variable constant = product(tape, x, x);
  const Variable wide = tape.input(2, 3);

  CHECK_THROWS_WITH(tape.backward(y), Catch::Contains("no forward pass"));
  tape.forward();
  CHECK_THROWS_WITH(tape.backward(wide), Catch::Contains("2 x 3"));
  CHECK_THROWS_WITH(tape.backward(constant), Catch::Contains("does not depend on any parameter"));
  tape.backward(y);
  CHECK_THROWS_WITH(tape.backward(y), Catch::Contains("no forward pass"));
  CHECK_NOTHROW(tape.gradient(w));
  CHECK_THROWS_WITH(tape.gradient(u), Catch::Contains("none for 'unused'"));
  CHECK_THROWS_WITH(tape.gradient(x), Catch::Contains("needs no gradient"));
}
