#include <catch2/catch.hpp>

#include "graph/builder.hpp"
#include "graph/modules.hpp"
#include "graph/state_dict.hpp"

using namespace jsc;

namespace {

// x -> fc1 -> relu -> fc2 -> add(fc1, fc2), both linear layers 4 wide.
Graph skip_network() {
  GraphBuilder builder(3);
  const NodeId first = builder.call_module("net.fc1", std::make_shared<Linear>(3, 4), {builder.input()});
  const NodeId middle = builder.call_module("net.act", std::make_shared<ReLU>(), {first});
  const NodeId second = builder.call_module("net.fc2", std::make_shared<Linear>(4, 4), {middle});
  return builder.finish(builder.call_function("add", {first, second}));
}

}  // namespace

TEST_CASE("nodes are named as torch.fx names them") {
  GraphBuilder builder(2);
  const NodeId a = builder.call_module("seq_blocks.0", std::make_shared<ReLU>(), {builder.input()});
  const NodeId b = builder.call_function("add", {a, a});
  const NodeId c = builder.call_function("add", {b, a});
  const Graph graph = builder.finish(c);
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  CHECK(names == std::vector<std::string>{"x", "seq_blocks_0", "add", "add_1", "output"});
  CHECK(graph.nodes[1].target == "seq_blocks.0");
  CHECK(graph.nodes[0].kind == NodeKind::placeholder);
  CHECK(graph.nodes[1].kind == NodeKind::call_module);
  CHECK(graph.nodes[2].kind == NodeKind::call_function);
  CHECK(graph.nodes[4].kind == NodeKind::output);
}

TEST_CASE("modules print as PyTorch prints them") {
  CHECK(Linear(16, 5).describe() == "Linear(in_features=16, out_features=5, bias=True)");
  CHECK(Linear(16, 5, false).describe() == "Linear(in_features=16, out_features=5, bias=False)");
  CHECK(BatchNorm1d(16).describe() ==
        "BatchNorm1d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
  CHECK(ReLU(true).describe() == "ReLU(inplace=True)");
  CHECK(ReLU().describe() == "ReLU()");
  CHECK(LeakyReLU().describe() == "LeakyReLU(negative_slope=0.01)");
  CHECK(Hardtanh().describe() == "Hardtanh(min_val=-1.0, max_val=1.0)");
  CHECK(Dropout(0.5).describe() == "Dropout(p=0.5, inplace=False)");
  CHECK(Softmax().describe() == "Softmax(dim=1)");
}

TEST_CASE("modules refuse arguments that make no sense") {
  CHECK_THROWS_WITH(Linear(0, 5), Catch::Contains("found 0 and 5"));
  CHECK_THROWS_WITH(BatchNorm1d(0), Catch::Contains("found 0"));
  CHECK_THROWS_WITH(BatchNorm1d(4, -1.0), Catch::Contains("eps"));
  CHECK_THROWS_WITH(BatchNorm1d(4, 1e-5, 1.5), Catch::Contains("momentum"));
  CHECK_THROWS_WITH(Hardtanh(1, -1), Catch::Contains("min should be below max"));
  CHECK_THROWS_WITH(Dropout(1.0), Catch::Contains("[0, 1)"));
}

TEST_CASE("sizes that do not chain name the layer, what it expects and what it found") {
  GraphBuilder builder(16);
  CHECK_THROWS_WITH(builder.call_module("fc", std::make_shared<Linear>(8, 5), {builder.input()}),
                    "Linear(in_features=8, out_features=5, bias=True): expected 8 input features, found 16");
  const NodeId wide = builder.call_module("wide", std::make_shared<Linear>(16, 20), {builder.input()});
  CHECK_THROWS_WITH(builder.call_function("add", {builder.input(), wide}),
                    Catch::Contains("found 16 and 20 features"));
  CHECK_THROWS_WITH(builder.call_function("madd", {wide, wide}),
                    Catch::Contains("known: add, sub, mul, matmul, relu, softmax"));
}

TEST_CASE("parameters lie aligned in one block, in module order, and keep their values when bound again") {
  Graph graph = skip_network();
  CHECK(graph.parameter_count() == (3 * 4 + 4) + (4 * 4 + 4));
  graph.initialize(5);
  const std::string hash = state_hash(graph);
  for (const auto& [path, module] : graph.modules)
    for (const Parameter& p : module->parameters()) {
      CHECK((p.value.data - graph.block.values.get()) % kLanes == 0);
      CHECK(p.value.data - graph.block.values.get() == p.gradient.data - graph.block.gradients.get());
    }
  const float* before = graph.block.values.get();
  graph.bind_parameters();
  CHECK(graph.block.values.get() != before);
  CHECK(state_hash(graph) == hash);
}

TEST_CASE("initialisation depends on the seed") {
  Graph a = skip_network(), b = skip_network();
  a.initialize(1);
  b.initialize(1);
  CHECK(state_hash(a) == state_hash(b));
  b.initialize(2);
  CHECK(state_hash(a) != state_hash(b));
}

TEST_CASE("the state dict has PyTorch's names, shapes and order") {
  GraphBuilder builder(4);
  const NodeId bn = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(4), {builder.input()});
  const Graph graph =
      builder.finish(builder.call_module("seq_blocks.1", std::make_shared<Linear>(4, 2), {bn}));
  std::vector<std::string> names;
  for (const StateEntry& entry : state_dict(graph)) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"seq_blocks.0.weight", "seq_blocks.0.bias",
                                          "seq_blocks.0.running_mean", "seq_blocks.0.running_var",
                                          "seq_blocks.0.num_batches_tracked", "seq_blocks.1.weight",
                                          "seq_blocks.1.bias"});
  CHECK(state_dict(graph)[5].shape == std::vector<Index>{2, 4});
  CHECK(state_dict(graph)[4].shape.empty());
}

TEST_CASE("the verifier names the node and the rule it breaks") {
  const auto broken = [](auto&& change) {
    Graph graph = skip_network();
    change(graph);
    verify(graph);
  };
  CHECK_NOTHROW(broken([](Graph&) {}));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[2].name = g.nodes[1].name; }),
                    Catch::Contains("'net_fc1': the name is used twice"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[2].inputs = {3}; }),
                    Catch::Contains("'net_act': an input does not stand before it"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[2].target = "gone"; }),
                    Catch::Contains("'net_act': there is no module 'gone'"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[4].target = "pow"; }),
                    Catch::Contains("'add': there is no function 'pow'"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[2].features = 7; }),
                    Catch::Contains("'net_act': it should yield 4 features, found 7"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes.pop_back(); }),
                    Catch::Contains("the last node is an output"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes[2].kind = NodeKind::placeholder; }),
                    Catch::Contains("the first node is a placeholder"));
  CHECK_THROWS_WITH(broken([](Graph& g) { g.nodes.clear(); }), Catch::Contains("found 0 nodes"));
}
