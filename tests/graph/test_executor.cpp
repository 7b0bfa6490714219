#include <catch2/catch.hpp>

#include <cstring>

#include "engine/random.hpp"
#include "graph/builder.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "ops/cross_entropy.hpp"

using namespace jsc;

namespace {

void fill(Matrix m, float scale) {
  for (Index r = 0; r < m.rows; ++r)
    for (Index c = 0; c < m.cols; ++c) m(r, c) = scale * static_cast<float>((r * 7 + c * 3) % 11 - 5);
}

}  // namespace

TEST_CASE("a recorded graph computes what its layers say") {
  GraphBuilder builder(2);
  const NodeId fc = builder.call_module("fc", std::make_shared<Linear>(2, 2), {builder.input()});
  const NodeId act = builder.call_module("act", std::make_shared<ReLU>(), {fc});
  Graph graph = builder.finish(builder.call_function("sub", {act, builder.input()}));
  float* w = graph.modules[0].second->parameters()[0].value.data;
  const float weights[] = {1, 2, -3, 4};
  std::copy_n(weights, 4, w);
  float* bias = graph.modules[0].second->parameters()[1].value.data;
  bias[0] = 0.5F;
  bias[1] = -1;

  Tape tape;
  const Recording recording = record(graph, tape, 3, Mode::evaluate);
  const Matrix x = tape.value(recording.input);
  fill(x, 1);
  tape.forward();
  for (Index b = 0; b < 3; ++b) {
    const float h0 = std::max(0.0F, 1 * x(0, b) + 2 * x(1, b) + 0.5F);
    const float h1 = std::max(0.0F, -3 * x(0, b) + 4 * x(1, b) - 1);
    CHECK(tape.value(recording.output)(0, b) == h0 - x(0, b));
    CHECK(tape.value(recording.output)(1, b) == h1 - x(1, b));
  }
}

TEST_CASE("a module called twice shares its parameters, and their gradient is the sum") {
  // y = w (w x): with scalar w and loss = y, d_w = 2 w x.
  GraphBuilder builder(1);
  const NodeId once = builder.call_module("fc", std::make_shared<Linear>(1, 1, false), {builder.input()});
  const Graph graph = builder.finish(builder.call_module("fc", nullptr, {once}));
  CHECK(graph.parameter_count() == 1);
  CHECK(graph.nodes[2].name == "fc_1");
  const Parameter& weight = graph.modules[0].second->parameters()[0];
  *weight.value.data = 3;

  Tape tape;
  const Recording recording = record(graph, tape, 1, Mode::train);
  tape.value(recording.input)(0, 0) = 2;
  tape.forward();
  tape.backward(recording.output);
  CHECK(tape.value(recording.output)(0, 0) == 18);
  CHECK(*weight.gradient.data == 12);
}

TEST_CASE("training mode updates running statistics and evaluation mode does not") {
  GraphBuilder builder(2);
  Graph graph =
      builder.finish(builder.call_module("bn", std::make_shared<BatchNorm1d>(2), {builder.input()}));
  graph.initialize(0);
  const auto& mean = std::get<std::vector<float>>(graph.modules[0].second->buffers()[0].value);
  const auto& batches = std::get<std::int64_t>(graph.modules[0].second->buffers()[2].value);
  for (const Mode mode : {Mode::evaluate, Mode::train}) {
    Tape tape;
    const Recording recording = record(graph, tape, 4, mode);
    fill(tape.value(recording.input), 0.5F);
    tape.forward();
    CHECK((mean[0] != 0) == (mode == Mode::train));
    CHECK(batches == (mode == Mode::train ? 1 : 0));
  }
}

TEST_CASE("dropout acts in training only, and anew at each step") {
  GraphBuilder builder(1);
  const Graph graph =
      builder.finish(builder.call_module("drop", std::make_shared<Dropout>(0.5), {builder.input()}));
  Tape evaluation;
  const Recording identity = record(graph, evaluation, 8, Mode::evaluate);
  CHECK(identity.output.id == identity.input.id);

  Tape tape;
  const Recording recording = record(graph, tape, 1000, Mode::train, {.seed = 3});
  for (Index b = 0; b < 1000; ++b) tape.value(recording.input)(0, b) = 1;
  const auto kept = [&] {
    tape.forward();
    std::vector<bool> mask;
    for (Index b = 0; b < 1000; ++b) mask.push_back(tape.value(recording.output)(0, b) != 0);
    return mask;
  };
  const std::vector<bool> first = kept();
  CHECK(kept() == first);
  tape.training_step = 1;
  CHECK(kept() != first);
}

TEST_CASE("a batch of one cannot be normalized in training") {
  GraphBuilder builder(2);
  const Graph graph =
      builder.finish(builder.call_module("bn", std::make_shared<BatchNorm1d>(2), {builder.input()}));
  Tape tape;
  CHECK_THROWS_AS(record(graph, tape, 1, Mode::train), Error);
}

namespace {

// Layers that fuse with the ReLU, or batch normalization and ReLU, behind them, and two that must not: one
// that another node reads, and the last.
Graph fusible_network() {
  GraphBuilder builder(16);
  NodeId h = builder.call_module("bn0", std::make_shared<BatchNorm1d>(16), {builder.input()});
  h = builder.call_module("relu0", std::make_shared<ReLU>(), {h});
  h = builder.call_module("fc1", std::make_shared<Linear>(16, 24), {h});
  h = builder.call_module("relu1", std::make_shared<ReLU>(), {h});
  h = builder.call_module("fc5", std::make_shared<Linear>(24, 24), {h});
  h = builder.call_module("bn5", std::make_shared<BatchNorm1d>(24), {h});
  h = builder.call_module("relu5", std::make_shared<ReLU>(), {h});
  h = builder.call_module("fc2", std::make_shared<Linear>(24, 9, false), {h});
  h = builder.call_module("bn2", std::make_shared<BatchNorm1d>(9, 1e-5, 0.1, false), {h});
  h = builder.call_module("relu2", std::make_shared<ReLU>(), {h});
  h = builder.call_module("fc6", std::make_shared<Linear>(9, 300), {h});  // too wide for one step of three
  h = builder.call_module("bn6", std::make_shared<BatchNorm1d>(300), {h});
  h = builder.call_module("relu6", std::make_shared<ReLU>(), {h});
  NodeId read_twice = builder.call_module("fc3", std::make_shared<Linear>(300, 9), {h});
  h = builder.call_module("relu3", std::make_shared<ReLU>(), {read_twice});
  h = builder.call_function("add", {h, read_twice});
  h = builder.call_module("fc7", std::make_shared<Linear>(9, 9), {h});
  read_twice = builder.call_module("bn7", std::make_shared<BatchNorm1d>(9), {h});
  h = builder.call_module("relu7", std::make_shared<ReLU>(), {read_twice});
  h = builder.call_function("add", {h, read_twice});
  Graph graph = builder.finish(builder.call_module("fc4", std::make_shared<Linear>(9, 5), {h}));
  graph.initialize(4);
  std::uint64_t stream = 0;  // no factor of 1 and no mean of 0, which would hide a slip
  for (const auto& [path, module] : graph.modules) {
    for (Parameter& parameter : module->parameters())
      if (parameter.rows() == 1) fill_normal({5, ++stream}, 0, parameter.value.data, parameter.cols());
    for (Buffer& buffer : module->buffers())
      if (auto* values = std::get_if<std::vector<float>>(&buffer.value))
        fill_uniform({5, ++stream}, 0, buffer.name == "running_var" ? 0.5F : -1.0F, 1.0F, values->data(),
                     std::ssize(*values));
  }
  return graph;
}

// Values, gradients, running statistics and logits after two steps.
std::vector<float> two_steps(bool fuse, Index batch, const Execution& execution, Mode mode) {
  Graph graph = fusible_network();
  Tape tape(execution, mode == Mode::train ? Tape::Gradients::wanted : Tape::Gradients::none);
  const Recording recording = record(graph, tape, batch, mode, {.fuse = fuse});
  CHECK(tape.step_count() == (!fuse ? 21 : mode == Mode::train ? 16 : 14));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 5);
  const Variable loss = cross_entropy(tape, recording.output, labels.data(), {}, nullptr);
  fill(tape.value(recording.input), 0.3F);
  for (int step = 0; step < 2; ++step) {
    tape.forward();
    if (mode == Mode::train) tape.backward(loss);
  }
  std::vector<float> found(graph.block.gradients.get(), graph.block.gradients.get() + graph.block.size);
  for (const auto& [path, module] : graph.modules)
    for (const Buffer& buffer : module->buffers())
      if (const auto* values = std::get_if<std::vector<float>>(&buffer.value))
        found.insert(found.end(), values->begin(), values->end());
  const Matrix logits = tape.value(recording.output);
  for (Index r = 0; r < logits.rows; ++r) found.insert(found.end(), logits.row(r), logits.row(r) + batch);
  return found;
}

}  // namespace

TEST_CASE("evaluation with gradients leaves a batch normalization and its ReLU apart") {
  Graph graph = fusible_network();
  Tape tape;
  const Recording recording = record(graph, tape, 20, Mode::evaluate, {.fuse = true});
  CHECK(tape.step_count() == 20);  // of 21; one linear layer takes its ReLU
  const std::vector<std::int32_t> labels(20, 3);
  const Variable loss = cross_entropy(tape, recording.output, labels.data(), {}, nullptr);
  fill(tape.value(recording.input), 0.3F);
  tape.forward();
  CHECK_NOTHROW(tape.backward(loss));
}

TEST_CASE("layers fused with their batch normalization and ReLU give the bits of the steps one by one") {
  for (const Mode mode : {Mode::train, Mode::evaluate})
    for (const Index batch : {33, 512, 1500, 5000})
      for (const Isa isa : supported_isas())
        for (const int threads : {1, 2}) {
          INFO(isa_name(isa) << ", batch " << batch << ", " << threads << " threads");
          const std::vector<float> expected = two_steps(false, batch, {isa, threads, false}, mode);
          const std::vector<float> found = two_steps(true, batch, {isa, threads, false}, mode);
          REQUIRE(found.size() == expected.size());
          CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
        }
}
