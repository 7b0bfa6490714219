// matmul from end to end of the graph: nodes, values, gradients, state, edits, and what it refuses.
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "graph/state_dict.hpp"
#include "ops/mse.hpp"
#include "tests/ops/double_reference.hpp"
#include "tests/support/tolerances.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

constexpr Index kIn = 7, kHidden = 6, kOut = 5, kBatch = 37;

// x W0, relu, times W1.
Graph network() {
  GraphBuilder builder(kIn);
  const NodeId w0 = builder.get_attr("net.0", std::make_shared<Weight>(kIn, kHidden));
  NodeId h = builder.call_function("matmul", {builder.input(), w0});
  h = builder.call_module("net.1", std::make_shared<ReLU>(), {h});
  const NodeId w1 = builder.get_attr("net.2", std::make_shared<Weight>(kHidden, kOut));
  Graph graph = builder.finish(builder.call_function("matmul", {h, w1}));
  graph.initialize(3);
  return graph;
}

exact::Array array_of(ConstMatrix m) {
  exact::Array a(m.rows, m.cols);
  for (Index r = 0; r < m.rows; ++r)
    for (Index c = 0; c < m.cols; ++c) a(r, c) = m(r, c);
  return a;
}

// [batch][in] as torch has it.
exact::Array forward(const exact::Array& x, const exact::Array& w0, const exact::Array& w1,
                     exact::Corners& corners) {
  return exact::matmul(exact::relu(exact::matmul(x, w0), corners), w1);
}

float target_of(Index r, Index c) {
  return 0.125F * static_cast<float>((r * 5 + c * 3) % 11 - 5);
}

}  // namespace

TEST_CASE("a matmul's nodes, parameters and state are torch.fx's") {
  const Graph graph = network();
  std::vector<std::string> names, targets;
  for (const Node& node : graph.nodes) {
    names.push_back(node.name);
    targets.push_back(node.target);
  }
  CHECK(names == std::vector<std::string>{"x", "net_0_weight", "matmul", "net_1", "net_2_weight", "matmul_1",
                                          "output"});
  CHECK(targets ==
        std::vector<std::string>{"x", "net.0.weight", "matmul", "net.1", "net.2.weight", "matmul", "output"});
  CHECK(graph.nodes[1].kind == NodeKind::get_attr);
  CHECK(graph.nodes[2].kind == NodeKind::call_function);
  CHECK(graph.nodes[2].features == kHidden);
  CHECK(graph.parameter_count() == kIn * kHidden + kHidden * kOut);
  const std::vector<StateEntry> state = state_dict(graph);
  REQUIRE(state.size() == 2);
  CHECK(state[0].name == "net.0.weight");
  CHECK(state[0].shape == std::vector<Index>{kIn, kHidden});
}

TEST_CASE("a matmul's weight begins as linear's does: uniform within 1/sqrt(inputs)") {
  const Graph graph = network();
  const Matrix w = graph.parameter_of(graph.nodes[1])->value;
  const double limit = 1.0 / std::sqrt(static_cast<double>(kIn));
  double largest = 0;
  for (Index i = 0; i < w.size(); ++i) largest = std::max(largest, std::fabs(static_cast<double>(w.data[i])));
  CHECK(largest <= limit);
  CHECK(largest > 0.9 * limit);
}

TEST_CASE("a matmul computes and differentiates x W") {
  Graph graph = network();
  Tape tape;
  Tensor input(kIn, kBatch), d_input(kIn, kBatch);
  for (Index f = 0; f < kIn; ++f)
    fill_normal({5, static_cast<std::uint64_t>(f)}, 0, input.view().row(f), kBatch);
  RecordOptions options;
  options.input = tape.parameter(input.view(), d_input.view(), "x");
  const Recording recording = record(graph, tape, kBatch, Mode::train, options);
  const Variable target = tape.input(kOut, kBatch);
  for (Index r = 0; r < kOut; ++r)
    for (Index c = 0; c < kBatch; ++c) tape.value(target)(r, c) = target_of(r, c);
  const Variable loss = mse(tape, recording.output, target);
  tape.forward();
  tape.backward(loss);

  const Parameter &p0 = *graph.parameter_of(graph.nodes[1]), &p1 = *graph.parameter_of(graph.nodes[4]);
  std::vector<exact::Array> arrays = {exact::transpose(array_of(input.view())), array_of(p0.value),
                                      array_of(p1.value)};
  exact::Array wanted(kBatch, kOut);
  for (Index r = 0; r < kOut; ++r)
    for (Index c = 0; c < kBatch; ++c) wanted(c, r) = target_of(r, c);
  exact::Corners ignored;
  const exact::Array y = forward(arrays[0], arrays[1], arrays[2], ignored);
  for (Index r = 0; r < kOut; ++r)
    for (Index c = 0; c < kBatch; ++c)
      CHECK(tape.value(recording.output)(r, c) == Approx(y(c, r)).margin(1e-5));

  const std::vector<exact::Array> found = {exact::transpose(array_of(d_input.view())), array_of(p0.gradient),
                                           array_of(p1.gradient)};
  constexpr double h = 1e-4;
  for (std::size_t k = 0; k < arrays.size(); ++k) {
    double scale = 0, worst = 0;
    for (std::size_t i = 0; i < arrays[k].v.size(); ++i) {
      const double center = arrays[k].v[i];
      exact::Corners above_side, below_side;
      arrays[k].v[i] = center + h;
      const double above = exact::mse(forward(arrays[0], arrays[1], arrays[2], above_side), wanted);
      arrays[k].v[i] = center - h;
      const double below = exact::mse(forward(arrays[0], arrays[1], arrays[2], below_side), wanted);
      arrays[k].v[i] = center;
      if (above_side.sides != below_side.sides) continue;
      const double expected = (above - below) / (2 * h);
      scale = std::max(scale, std::fabs(expected));
      worst = std::max(worst, std::fabs(found[k].v[i] - expected));
    }
    CAPTURE(k, worst, scale);
    REQUIRE(scale > 1e-4);
    CHECK(worst <= tolerance::kGradient * scale);
  }
}

TEST_CASE("two matmuls of one parameter add their gradients") {
  GraphBuilder builder(2);
  const NodeId w = builder.get_attr("w", std::make_shared<Weight>(2, 2));
  const NodeId once = builder.call_function("matmul", {builder.input(), w});
  Graph graph = builder.finish(builder.call_function("matmul", {once, w}));
  const Parameter& p = *graph.parameter_of(graph.nodes[1]);
  // W = [[1, 2], [3, 4]], x = (1, 1): y = x W W, loss = mean of y^2.
  for (Index i = 0; i < 4; ++i) p.value.data[i] = static_cast<float>(i + 1);
  Tape tape;
  const Recording recording = record(graph, tape, 1, Mode::train);
  tape.value(recording.input)(0, 0) = tape.value(recording.input)(1, 0) = 1;
  const Variable loss = mse(tape, recording.output, tape.input(2, 1));
  tape.forward();
  tape.backward(loss);
  // x W = (4, 6), y = (22, 32), d_y = y: d_W = (x W)T d_y + xT (d_y WT), d_y WT = (86, 194).
  CHECK(tape.value(recording.output)(0, 0) == 22);
  CHECK(tape.value(recording.output)(1, 0) == 32);
  CHECK(p.gradient(0, 0) == 4 * 22 + 86);
  CHECK(p.gradient(0, 1) == 4 * 32 + 194);
  CHECK(p.gradient(1, 0) == 6 * 22 + 86);
  CHECK(p.gradient(1, 1) == 6 * 32 + 194);
}

TEST_CASE("a matmul of two activations is refused by the node's name") {
  GraphBuilder builder(4);
  const NodeId act = builder.call_module("act", std::make_shared<ReLU>(), {builder.input()});
  CHECK_THROWS_WITH(builder.call_function("matmul", {builder.input(), act}),
                    Contains("node 'matmul': ") && Contains("two activations ('x' and 'act')"));
  Graph graph = network();
  CHECK_THROWS_WITH(insert_function_before(graph, 4, "matmul", {0, 3}),
                    Contains("node 'matmul_2': ") && Contains("two activations ('x' and 'net_1')"));
  graph.nodes[5].inputs[1] = 0;
  CHECK_THROWS_WITH(verify(graph),
                    Contains("node 'matmul_1': ") && Contains("two activations ('net_1' and 'x')"));
}

TEST_CASE("parameters stand where matmul takes them, and nowhere else") {
  GraphBuilder builder(4);
  const NodeId w = builder.get_attr("w", std::make_shared<Weight>(3, 5));
  CHECK_THROWS_WITH(
      builder.call_function("matmul", {builder.input(), w}),
      "node 'matmul': matmul: expected 'w.weight' with 4 rows (the features of 'x'), found 3 x 5");
  CHECK_THROWS_WITH(builder.call_function("matmul", {w, w}),
                    Contains("expected an activation as left operand"));
  CHECK_THROWS_WITH(builder.call_function("matmul", {builder.input()}), "expected two inputs, found 1");
  CHECK_THROWS_WITH(builder.call_function("relu", {w}),
                    Contains("node 'relu': expected an activation as input, found the parameter 'w.weight'"));
  CHECK_THROWS_WITH(builder.call_module("fc", std::make_shared<Linear>(5, 2), {w}), Contains("node 'fc': "));
  CHECK_THROWS_WITH(builder.finish(w), Contains("node 'output': expected an activation"));
  CHECK_THROWS_WITH(Weight(0, 3), Contains("found 0 x 3"));

  const auto broken = [](auto&& change) {
    Graph graph = network();
    change(graph);
    verify(graph);
  };
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[1].target = "net.0.bias"; }),
                    Contains("'net_0_weight': there is no parameter 'net.0.bias'"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[1].target = "gone.weight"; }),
                    Contains("'net_0_weight': there is no module 'gone'"));
  CHECK_THROWS_WITH(
      broken([](Graph& g) { g.nodes[5].inputs[1] = 1; }),
      Contains("'matmul_1': ") && Contains("'net.0.weight' with 6 rows") && Contains("found 7 x 6"));
}

TEST_CASE("a parameter goes when the last node that fetches it does") {
  Graph graph = network();
  CHECK_THROWS_WITH(erase(graph, 4), "graph: node 'net_2_weight': 'matmul_1' reads it");
  replace_uses(graph, 5, 3);
  graph.nodes.back().features = kHidden;
  erase(graph, find_node(graph, "matmul_1"));
  erase(graph, find_node(graph, "net_2_weight"));
  CHECK(graph.find_module("net.2") == nullptr);
  CHECK(graph.parameter_count() == kIn * kHidden);
  CHECK_NOTHROW(verify(graph));
}
