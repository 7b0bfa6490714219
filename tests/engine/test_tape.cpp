#include "engine/tape.hpp"

#include <catch2/catch.hpp>

#include "engine/gemm.hpp"
#include "tests/support/allocations.hpp"

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

// y = w x: a step whose kernels have work for two threads.
struct Linear {
  Variable w, x, y;
  void forward(Tape& tape) const {
    gemm_forward(tape.execution(), tape.value(w), nullptr, tape.value(x), tape.value(y));
  }
  void backward(Tape& tape) const {
    if (const Tape::Sink sink = tape.sink(w); sink.d)
      gemm_backward_weight(tape.execution(), tape.d(y), tape.value(x), sink.d, sink.accumulate);
    if (const Tape::Sink sink = tape.sink(x); sink.d)
      gemm_backward_input(tape.execution(), tape.value(w), tape.d(y), sink.d, sink.accumulate);
  }
};

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

TEST_CASE("a tape without gradients computes values and refuses to differentiate") {
  Tape tape({}, Tape::Gradients::none);
  Scalar p{3.0F};
  const Variable w = tape.parameter(p.view(), p.d(), "w");
  const Variable square = product(tape, w, w);
  tape.forward();
  CHECK(tape.value(square)(0, 0) == 9.0F);
  CHECK_FALSE(tape.needs_gradient(square));
  CHECK_THROWS_WITH(tape.backward(square), Catch::Contains("does not depend on any parameter"));
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

#ifdef JSC_COUNTS_ALLOCATIONS
TEST_CASE("recording unchanged shapes again and replaying them allocate nothing") {
  Tape tape(Execution{detected_isa(), 2, false});
  Tensor w(64, 64), d_w(64, 64);
  const auto record = [&] {
    const Variable weight = tape.parameter(w.view(), d_w.view(), "w");
    Variable y = tape.input(64, 1000);
    for (int layer = 0; layer < 3; ++layer) {
      const Variable x = y;
      y = tape.output(64, 1000, {weight, x});
      tape.record("linear", y, Linear{weight, x, y});
    }
    const Variable scalar = tape.output(1, 1, {y});
    struct Corner {
      Variable x, y;
      void forward(Tape& t) const { t.value(y)(0, 0) = t.value(x)(0, 0); }
      void backward(Tape& t) const {
        const Matrix d = t.sink(x).d;
        std::fill_n(d.data, d.rows * d.stride, 0.0F);
        d(0, 0) = t.d(y)(0, 0);
      }
    };
    tape.record("corner", scalar, Corner{y, scalar});
    return scalar;
  };
  const auto step = [&](Variable loss) {
    tape.forward();
    tape.backward(loss);
  };
  const std::int64_t before = allocation_count();
  Variable loss = record();
  step(loss);
  REQUIRE(allocation_count() > before);  // the counter counts
  const std::size_t reserved = tape.arena().bytes_reserved();

  const std::int64_t recorded = allocation_count();
  step(loss);
  CHECK(allocation_count() == recorded);
  tape.reset();
  loss = record();
  step(loss);
  CHECK(allocation_count() == recorded);
  CHECK(tape.arena().bytes_reserved() == reserved);
}
#endif
