// What the operations promise beside their gradients: PyTorch's statistics, counts, masks, errors, the same
// bits for any number of threads and any ISA, and replay without allocation.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/random.hpp"
#include "ops/add.hpp"
#include "ops/batch_norm.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/dropout.hpp"
#include "ops/hardtanh.hpp"
#include "ops/leaky_relu.hpp"
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/mse.hpp"
#include "ops/mul.hpp"
#include "ops/optimizer.hpp"
#include "ops/relu.hpp"
#include "ops/sigmoid.hpp"
#include "ops/softmax.hpp"
#include "ops/sub.hpp"
#include "ops/tanh.hpp"
#include "tests/support/allocations.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Statistics {
  explicit Statistics(std::size_t features) : mean(features, 0.0F), variance(features, 1.0F) {}
  std::vector<float> mean, variance;
  std::int64_t batches = 0;
  BatchNormBuffers buffers() { return {mean.data(), variance.data(), &batches}; }
};

void fill(Matrix m, std::uint64_t stream) {
  for (Index b = 0; b < block_count(m.cols); ++b) {
    const SampleBlock block = sample_block(b, m.cols);
    const Matrix part = columns(m, block);
    for (Index r = 0; r < m.rows; ++r)
      fill_normal({17, stream}, static_cast<std::uint64_t>(r * m.cols + block.begin), part.row(r), part.cols);
  }
}

// A network that uses every kind of operation (or every one that goes by blocks), its flat block and its
// training step.
struct Everything {
  static constexpr Index kIn = 6, kHidden = 8, kClasses = 4;
  std::vector<float> values = std::vector<float>(1024), gradients = std::vector<float>(1024);
  Index used = 0;
  Statistics statistics{kHidden};
  std::vector<std::int32_t> labels;
  ClassificationCounts counts;
  Variable x, loss;
  CrossEntropyOptions options{{1.0F, 2.0F, 0.5F, 1.0F}, 0.1F};

  explicit Everything(Index batch) {
    fill_uniform({21, 0}, 0, -0.4F, 0.4F, values.data(), static_cast<Index>(values.size()));
    for (Index i = 0; i < batch; ++i) labels.push_back(static_cast<std::int32_t>(i * 7 % 4));
  }
  Variable parameter(Tape& tape, Index rows, Index cols) {
    const Index begin = used;
    used += round_up(rows * cols, kLanes);
    return tape.parameter({values.data() + begin, rows, cols, cols},
                          {gradients.data() + begin, rows, cols, cols}, "parameter");
  }
  void record(Tape& tape, bool by_blocks = false) {
    used = 0;
    const Index batch = static_cast<Index>(labels.size());
    x = tape.input(kIn, batch);
    fill(tape.value(x), 1);
    const Variable w = parameter(tape, kHidden, kIn), b = parameter(tape, 1, kHidden);
    const Variable scale = parameter(tape, 1, kHidden), shift = parameter(tape, 1, kHidden);
    Variable h = relu(tape, batch_norm_train(tape, linear(tape, x, w, b),
                                             {scale, shift, statistics.buffers(), 1e-5F}, 0.1F));
    h = dropout(tape, h, 0.2F, {21, 5});
    h = add(tape, h, mul(tape, jsc::tanh(tape, h), sigmoid(tape, h)));
    h = leaky_relu(tape, sub(tape, h, hardtanh(tape, h, 0.0F, 0.5F)), 0.1F);
    const Variable last = parameter(tape, kClasses, kHidden);
    if (by_blocks) {
      h = softmax(tape, linear(tape, hardtanh(tape, h, -1.0F, 1.0F), last, {}, true));
      loss = cross_entropy(tape, h, labels.data(), options, &counts);
      return;
    }
    h = matmul(tape, last, hardtanh(tape, h, -1.0F, 1.0F));
    const Variable e = cross_entropy(tape, h, labels.data(), options, &counts);
    const Variable zero = tape.input(kClasses, batch);
    loss = add(tape, e, mse(tape, softmax(tape, h), zero));
  }
  void step(Tape& tape, Optimizer& optimizer) {
    tape.forward();
    tape.backward(loss);
    optimizer.step(tape.execution(), values, gradients, 1e-2);
    ++tape.training_step;
  }
};

}  // namespace

TEST_CASE("batch_norm normalizes with the biased variance and keeps the unbiased one") {
  Tape tape;
  Statistics statistics(1);
  const Variable x = tape.input(1, 4);
  const float row[] = {1.0F, 2.0F, 3.0F, 6.0F};  // mean 3, squares 14: biased 3.5, unbiased 14/3
  std::copy(row, row + 4, tape.value(x).row(0));
  const Variable y = batch_norm_train(tape, x, {{}, {}, statistics.buffers(), 0.5F}, 0.1F);
  tape.forward();
  for (Index i = 0; i < 4; ++i) CHECK(tape.value(y)(0, i) == Approx((row[i] - 3.0F) / 2.0F));
  CHECK(statistics.mean[0] == Approx(0.3));
  CHECK(statistics.variance[0] == Approx(0.9 + 0.1 * 14.0 / 3.0));
  CHECK(statistics.batches == 1);
  tape.forward();
  CHECK(statistics.batches == 2);
}

TEST_CASE("batch_norm is accurate for a mean that dwarfs the deviation") {
  Tape tape;
  Statistics statistics(1);
  const Variable x = tape.input(1, 1030);
  for (Index i = 0; i < 1030; ++i) tape.value(x)(0, i) = 4096.0F + static_cast<float>(i % 2);
  const Variable y = batch_norm_train(tape, x, {{}, {}, statistics.buffers(), 0.0F}, 0.1F);
  tape.forward();
  CHECK(tape.value(y)(0, 0) == Approx(-1.0).epsilon(1e-4));
  CHECK(tape.value(y)(0, 1029) == Approx(1.0).epsilon(1e-4));
}

TEST_CASE("cross_entropy counts the first of the highest logits and sums the loss") {
  Tape tape;
  const Variable x = tape.input(3, 4);
  const float logits[3][4] = {{1, 0, 2, 0}, {1, 0, 1, 5}, {0, 0, 3, 5}};
  for (Index c = 0; c < 3; ++c) std::copy(logits[c], logits[c] + 4, tape.value(x).row(c));
  const std::int32_t labels[] = {0, 1, 2, 1};  // predictions 0, 0, 2, 1
  ClassificationCounts counts;
  const Variable loss = cross_entropy(tape, x, labels, {}, &counts);
  tape.forward();
  CHECK(counts.correct == 3);
  CHECK(counts.weight_sum == 4.0);
  CHECK(tape.value(loss)(0, 0) == Approx(counts.loss_sum / 4.0));
  CHECK(counts.loss_sum ==
        Approx(std::log(2 + std::exp(-1.0)) + std::log(3.0) + std::log(1 + std::exp(-1.0) + std::exp(-2.0)) +
               std::log(2 + std::exp(-5.0))));

  for (Index c = 0; c < 3; ++c) tape.value(x)(c, 0) = 0.0F;  // all logits equal: ln 3
  tape.forward();
  CHECK(counts.correct == 3);
  tape.value(x)(1, 0) = kNan;
  tape.forward();
  CHECK(std::isnan(tape.value(loss)(0, 0)));
}

TEST_CASE("cross_entropy takes logits that would overflow exp") {
  Tape tape;
  const Variable x = tape.input(2, 1);
  tape.value(x)(0, 0) = 1000.0F;
  tape.value(x)(1, 0) = -1000.0F;
  const std::int32_t label = 1;
  const Variable loss = cross_entropy(tape, x, &label, {}, nullptr);
  tape.forward();
  CHECK(tape.value(loss)(0, 0) == 2000.0F);
}

TEST_CASE("a NaN goes through every activation") {
  Tape tape;
  const Variable x = tape.input(1, 1);
  tape.value(x)(0, 0) = kNan;
  const Variable outputs[] = {relu(tape, x), hardtanh(tape, x, -1.0F, 1.0F), sigmoid(tape, x),
                              jsc::tanh(tape, x), softmax(tape, x)};
  tape.forward();
  for (Variable y : outputs) {
    INFO(tape.name(y));
    CHECK(std::isnan(tape.value(y)(0, 0)));
  }
}

TEST_CASE("dropout keeps the promised share, scales it, and draws anew at each step") {
  Tape tape(Execution{detected_isa(), 2, false});
  const Variable x = tape.input(8, 5000);
  for (Index r = 0; r < 8; ++r) std::fill_n(tape.value(x).row(r), 5000, 1.0F);
  const Variable y = dropout(tape, x, 0.25F, {3, 1});
  const auto kept = [&] {
    tape.forward();
    std::vector<float> v;
    for (Index r = 0; r < 8; ++r) v.insert(v.end(), tape.value(y).row(r), tape.value(y).row(r) + 5000);
    return v;
  };
  const std::vector<float> first = kept();
  Index zeros = 0;
  for (float v : first) {
    zeros += v == 0.0F ? 1 : 0;
    if (v != 0.0F) REQUIRE(v == 1.0F / 0.75F);
  }
  CHECK(std::fabs(static_cast<double>(zeros) / 40000.0 - 0.25) < 0.01);
  CHECK(kept() == first);
  tape.training_step = 1;
  CHECK(kept() != first);

  Tape all;
  const Variable in = all.input(1, 1);
  all.value(in)(0, 0) = 2.0F;
  const Variable none = dropout(all, in, 1.0F, {3, 1}), same = dropout(all, in, 0.0F, {3, 1});
  all.forward();
  CHECK(all.value(none)(0, 0) == 0.0F);
  CHECK(all.value(same)(0, 0) == 2.0F);
}

TEST_CASE("a mistake in recording names the operation, what it expected and what it found") {
  Tape tape;
  float data[64] = {}, d[64] = {};
  const auto parameter = [&](Index rows, Index cols, Index at) {
    return tape.parameter({data + at, rows, cols, cols}, {d + at, rows, cols, cols}, "w");
  };
  const Variable x = tape.input(4, 10), other = tape.input(3, 10), one = tape.input(4, 1);
  const Variable w = parameter(2, 3, 0), b = parameter(1, 3, 16), w4 = parameter(2, 4, 32);
  const std::int32_t labels[10] = {};
  Statistics statistics(4);
  CHECK_THROWS_WITH(linear(tape, x, w, {}),
                    "linear, weight 'w': expected 4 columns (the input's features), found 2 x 3");
  CHECK_THROWS_WITH(linear(tape, x, w4, b), "linear, bias: expected 1 x 2, found 1 x 3");
  CHECK_THROWS_WITH(linear(tape, w4, w4, {}),
                    Contains("expected rows padded") || Contains("expected 2 columns"));
  CHECK_THROWS_WITH(matmul(tape, w, x), Contains("expected 3 rows") && Contains("found 4 x 10"));
  CHECK_THROWS_WITH(add(tape, x, other), "add, second operand: expected 4 x 10, found 3 x 10");
  CHECK_THROWS_WITH(mse(tape, x, other), "mse, target: expected 4 x 10, found 3 x 10");
  CHECK_THROWS_WITH(batch_norm_train(tape, x, {b, {}, statistics.buffers(), 1e-5F}, 0.1F),
                    "batch_norm, weight: expected 1 x 4, found 1 x 3");
  CHECK_THROWS_WITH(batch_norm_train(tape, one, {{}, {}, statistics.buffers(), 1e-5F}, 0.1F),
                    Contains("at least 2 samples") && Contains("found 1"));
  CHECK_THROWS_WITH(linear_batch_norm_relu(tape, x, w4, {}, {b, {}, statistics.buffers(), 1e-5F}),
                    "batch_norm, weight: expected 1 x 2, found 1 x 3");
  CHECK_THROWS_WITH(linear_batch_norm_relu(tape, x, w4, {}, {{}, {}, statistics.buffers(), 1e-5F}),
                    "linear_batch_norm_relu has no gradient");
  CHECK_THROWS_WITH(hardtanh(tape, x, 1.0F, 1.0F), Contains("expected lo < hi"));
  CHECK_THROWS_WITH(dropout(tape, x, 1.5F, {}), Contains("expected a probability from 0 to 1, found 1.5"));
  CHECK_THROWS_WITH(cross_entropy(tape, x, labels, {{1.0F, 2.0F}, 0.0F}, nullptr),
                    Contains("expected 4 (one a class), found 2"));
  CHECK_THROWS_WITH(cross_entropy(tape, x, labels, {{}, 1.5F}, nullptr),
                    Contains("label smoothing: expected 0 to 1"));
  CHECK_THROWS_WITH(cross_entropy(tape, x, labels, {{1.0F, -1.0F, 1.0F, 1.0F}, 0.0F}, nullptr),
                    Contains("not negative"));
}

TEST_CASE("training gives the same bits for every ISA and number of threads") {
  for (Index batch : {33, 1100, 9000}) {
    std::vector<float> expected;
    for (Isa isa : supported_isas())
      for (int threads : {1, 2}) {
        Everything net(batch);
        Tape tape(Execution{isa, threads, false});
        net.record(tape);
        const auto optimizer = make_optimizer({}, static_cast<Index>(net.values.size()));
        for (int k = 0; k < 5; ++k) net.step(tape, *optimizer);
        INFO(isa_name(isa) << ", " << threads << " threads, batch " << batch);
        net.values.insert(net.values.end(), net.statistics.variance.begin(), net.statistics.variance.end());
        if (expected.empty()) expected = net.values;
        CHECK(std::memcmp(expected.data(), net.values.data(), expected.size() * sizeof(float)) == 0);
        CHECK(std::isfinite(net.counts.loss_sum));
      }
  }
}

TEST_CASE("activations in blocks give the bits of whole rows") {
  for (Index batch : {33, 512, 1100, 9000})
    for (int threads : {1, 2}) {
      const Execution execution{detected_isa(), threads, false};
      Everything rows(batch), blocks(batch);
      Tape row_tape(execution), block_tape(execution, Tape::Gradients::wanted, Tape::Layout::blocks);
      rows.record(row_tape, true);
      blocks.record(block_tape, true);
      CHECK(block_tape.goes_by_blocks());
      for (Everything* net : {&rows, &blocks}) {
        const auto optimizer = make_optimizer({}, static_cast<Index>(net->values.size()));
        for (int k = 0; k < 3; ++k) net->step(net == &rows ? row_tape : block_tape, *optimizer);
      }
      INFO(threads << " threads, batch " << batch);
      CHECK(rows.values == blocks.values);
      CHECK(rows.gradients == blocks.gradients);
      CHECK(rows.statistics.variance == blocks.statistics.variance);
      CHECK(rows.counts.loss_sum == blocks.counts.loss_sum);
      CHECK(rows.counts.correct == blocks.counts.correct);
    }
}

TEST_CASE("a step that needs all samples at once cannot have them in blocks") {
  Everything net(40);
  Tape tape({}, Tape::Gradients::wanted, Tape::Layout::blocks);
  CHECK_THROWS_WITH(net.record(tape), Contains("step 'matmul'") && Contains("all samples at once"));
  Tape rows;
  net.record(rows);
  CHECK_FALSE(rows.goes_by_blocks());
}

#ifdef JSC_COUNTS_ALLOCATIONS
TEST_CASE("replaying and re-recording a training step allocate nothing") {
  Everything net(256);
  Tape tape(Execution{detected_isa(), 1, false});
  net.record(tape);
  const auto optimizer = make_optimizer({}, static_cast<Index>(net.values.size()));
  net.step(tape, *optimizer);
  tape.reset();
  net.record(tape);
  const std::int64_t before = allocation_count();
  const std::size_t reserved = tape.arena().bytes_reserved();  // the arena does not use operator new
  for (int k = 0; k < 3; ++k) net.step(tape, *optimizer);
  CHECK(allocation_count() == before);
  tape.reset();
  net.record(tape);
  net.step(tape, *optimizer);
  CHECK(allocation_count() == before);
  CHECK(tape.arena().bytes_reserved() == reserved);
}
#endif
