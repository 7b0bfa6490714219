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

// y = x a, with one number a for all samples: the smallest step over blocks that sums over samples.
struct Scale {
  enum { kX, kA };
  Variable x, a, y;
  float* shares;  // one a block
  void forward(Tape& tape, SampleBlock block) const {
    const Matrix vx = tape.value(x), vy = tape.value(y);
    for (Index i = block.begin; i < block.end; ++i) vy(0, i) = vx(0, i) * tape.value(a)(0, 0);
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const ConstMatrix d_y = tape.d(y);
    float share = 0;
    for (Index i = block.begin; i < block.end; ++i) share += d_y(0, i) * tape.value(x)(0, i);
    shares[block.number] = share;
    if (const Tape::Sink& d_x = sinks[kX]; d_x.d)
      for (Index i = block.begin; i < block.end; ++i)
        d_x.d(0, i) = (d_x.accumulate ? d_x.d(0, i) : 0.0F) + d_y(0, i) * tape.value(a)(0, 0);
  }
  void finish_backward(Tape& tape, Tape::Sinks sinks) const {
    float total = sinks[kA].accumulate ? sinks[kA].d(0, 0) : 0.0F;
    for (Index b = 0; b < block_count(tape.value(x).cols); ++b) total += shares[b];
    sinks[kA].d(0, 0) = total;
  }
};

Variable scale(Tape& tape, Variable x, Variable a) {
  const Index samples = tape.value(x).cols;
  const Variable y = tape.output(1, samples, {x, a});
  tape.record_blocks("scale", y, samples, {x}, {a},
                     Scale{x, a, y, tape.arena().array<float>(block_count(samples))});
  return y;
}

// y = sum of x over the samples.
struct Sum {
  Variable x, y;
  float* shares;
  void forward(Tape& tape, SampleBlock block) const {
    shares[block.number] = 0;
    for (Index i = block.begin; i < block.end; ++i) shares[block.number] += tape.value(x)(0, i);
  }
  void finish_forward(Tape& tape) const {
    tape.value(y)(0, 0) = 0;
    for (Index b = 0; b < block_count(tape.value(x).cols); ++b) tape.value(y)(0, 0) += shares[b];
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    if (const Tape::Sink& d_x = sinks[0]; d_x.d)
      for (Index i = block.begin; i < block.end; ++i)
        d_x.d(0, i) = (d_x.accumulate ? d_x.d(0, i) : 0.0F) + tape.d(y)(0, 0);
  }
};

Variable sum(Tape& tape, Variable x) {
  const Index samples = tape.value(x).cols;
  const Variable y = tape.output(1, 1, {x});
  tape.record_blocks("sum", y, samples, {x}, {}, Sum{x, y, tape.arena().array<float>(block_count(samples))});
  return y;
}

struct Scalar {
  float value, gradient = 0.0F;
  Matrix view() { return {&value, 1, 1, 1}; }
  Matrix d() { return {&gradient, 1, 1, 1}; }
};

}  // namespace

TEST_CASE("blocks of samples kept apart hold every value once") {
  Arena arena;
  for (Index cols : {1, 512, 513, 1700}) {
    const Matrix m = arena.blocks(3, cols);
    for (Index r = 0; r < 3; ++r)
      for (Index c = 0; c < cols; ++c) m(r, c) = static_cast<float>(r * cols + c);
    for (Index b = 0; b < block_count(cols); ++b) {
      const SampleBlock block = sample_block(b, cols);
      const Matrix part = columns(m, block);
      REQUIRE((part.rows == 3 && part.cols == block.count() && part.has_whole_rows()));
      for (Index r = 0; r < 3; ++r)
        for (Index c = 0; c < part.cols; ++c)
          REQUIRE(part.row(r)[c] == static_cast<float>(r * cols + block.begin + c));
    }
    CHECK(m.has_whole_rows() == (cols <= kSampleBlock));
  }
}

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

TEST_CASE("steps over blocks wait for the sums they read, in both directions") {
  // loss = a sum(x a b) with b = a a, some of it by steps of one sample; a batch of one gives all steps as
  // many samples. d_loss/d_a = 4 a³ sum(x).
  for (Index batch : {1, 512, 1700, 70000})  // the last worth threads
    for (int threads : {1, 2}) {
      Tape tape(Execution{detected_isa(), threads, false});
      Scalar p{3.0F};
      const Variable a = tape.parameter(p.view(), p.d(), "a");
      const Variable x = tape.input(1, batch);
      for (Index i = 0; i < batch; ++i) tape.value(x)(0, i) = static_cast<float>((i + 1) % 2);
      const Variable b = scale(tape, a, a);
      const Variable scaled = scale(tape, scale(tape, x, a), b);
      const Variable total = sum(tape, scaled);
      const Variable loss =
          scale(tape, total, tape.parameter(p.view(), p.d(), "a"));  // reads what sum finishes
      for (int replay = 0; replay < 2; ++replay) {
        tape.forward();
        tape.backward(loss);
        float sum_x = 0;
        for (Index i = 0; i < batch; ++i) sum_x += tape.value(x)(0, i);
        INFO("batch " << batch << ", " << threads << " threads");
        CHECK(tape.value(loss)(0, 0) == 81.0F * sum_x);
        CHECK(p.gradient == 4 * 27.0F * sum_x);
      }
    }
}

TEST_CASE("a replay follows the loss that is asked for and the steps that were added since") {
  Tape tape;
  Scalar p{3.0F};
  const Variable w = tape.parameter(p.view(), p.d(), "w");
  const Variable square = product(tape, w, w), cube = product(tape, square, w);
  const auto gradient_of = [&](Variable loss) {
    tape.forward();
    tape.backward(loss);
    return p.gradient;
  };
  for (int replay = 0; replay < 2; ++replay) {
    CHECK(gradient_of(cube) == 27.0F);
    CHECK(tape.has_gradient(square));
    CHECK(gradient_of(square) == 6.0F);
    CHECK_FALSE(tape.has_gradient(cube));
  }
  const Variable fourth = product(tape, w, cube);
  CHECK(gradient_of(fourth) == 108.0F);
  CHECK(tape.value(fourth)(0, 0) == 81.0F);
}

TEST_CASE("a run that a step broke off is made again from its beginning") {
  struct Failing {
    bool* fails;
    Variable x, y;
    void forward(Tape& tape) const {
      if (*fails) throw Error("broken");
      tape.value(y)(0, 0) = tape.value(x)(0, 0);
    }
    void backward(Tape& tape) const {
      const Tape::Sink sink = tape.sink(x);
      if (*fails) throw Error("broken");
      sink.d(0, 0) = (sink.accumulate ? sink.d(0, 0) : 0.0F) + tape.d(y)(0, 0);
    }
  };
  Tape tape;
  Scalar p{3.0F};
  bool fails = true;
  const Variable w = tape.parameter(p.view(), p.d(), "w"), y = tape.output(1, 1, {w});
  tape.record("failing", y, Failing{&fails, w, y});
  const Variable loss = product(tape, w, y);
  for (int replay = 0; replay < 2; ++replay) {
    fails = true;
    CHECK_THROWS(tape.forward());
    fails = false;
    tape.forward();
    fails = true;
    CHECK_THROWS(tape.backward(loss));
    fails = false;
    tape.forward();
    tape.backward(loss);
    CHECK(tape.value(loss)(0, 0) == 9.0F);
    CHECK(p.gradient == 6.0F);
    tape.forward();
    fails = true;
    CHECK_THROWS(tape.forward());  // after one that ran to its end
    fails = false;
    CHECK_THROWS_WITH(tape.backward(loss), Catch::Contains("no forward pass"));
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
