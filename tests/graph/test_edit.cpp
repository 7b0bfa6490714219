#include <catch2/catch.hpp>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "graph/state_dict.hpp"

using namespace jsc;

namespace {

// x -> fc -> act -> output
Graph chain() {
  GraphBuilder builder(3);
  const NodeId fc = builder.call_module("fc", std::make_shared<Linear>(3, 2), {builder.input()});
  Graph graph = builder.finish(builder.call_module("act", std::make_shared<ReLU>(), {fc}));
  graph.initialize(4);
  return graph;
}

std::vector<float> run(const Graph& graph) {
  Tape tape;
  const Recording recording = record(graph, tape, 2, Mode::evaluate);
  const Matrix x = tape.value(recording.input);
  for (Index f = 0; f < x.rows; ++f)
    for (Index b = 0; b < 2; ++b) x(f, b) = static_cast<float>(f) - static_cast<float>(b);
  tape.forward();
  const Matrix y = tape.value(recording.output);
  return {y(0, 0), y(0, 1), y(1, 0), y(1, 1)};
}

}  // namespace

TEST_CASE("nodes are found by name, and misspelt names are answered with the nearest") {
  const Graph graph = chain();
  CHECK(find_node(graph, "act") == 2);
  CHECK_THROWS_WITH(find_node(graph, "atc"), "there is no node 'atc': did you mean 'act'?");
  CHECK(users(graph, 1) == std::vector<NodeId>{2});
}

TEST_CASE("an inserted node that is put between computes with the others") {
  Graph graph = chain();
  const std::vector<float> before = run(graph);
  const NodeId fc = find_node(graph, "fc");
  const NodeId twice = insert_function_before(graph, fc + 1, "add", {fc, fc});
  replace_uses(graph, fc, twice);
  // replace_uses spares the replacement, which itself reads fc.
  CHECK(graph.nodes[static_cast<std::size_t>(twice)].inputs == std::vector<NodeId>{fc, fc});
  CHECK_NOTHROW(verify(graph));
  const std::vector<float> after = run(graph);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] == 2 * before[i]);
}

TEST_CASE("an inserted module brings its parameters and leaves the others' values") {
  Graph graph = chain();
  const float weight = graph.find_module("fc")->parameters()[0].value(1, 2);
  const NodeId at = insert_module_before(graph, 1, "pre.norm", std::make_shared<BatchNorm1d>(3), {0});
  CHECK(graph.nodes[1].name == "pre_norm");
  CHECK(find_node(graph, "fc") == 2);
  replace_uses(graph, 0, at);
  CHECK(graph.nodes[1].inputs == std::vector<NodeId>{0});
  CHECK_NOTHROW(verify(graph));
  CHECK(graph.find_module("fc")->parameters()[0].value(1, 2) == weight);
  CHECK(graph.parameter_count() == 8 + 6);
  CHECK_THROWS_WITH(insert_module_before(graph, 1, "fc", std::make_shared<ReLU>(), {0}),
                    Catch::Contains("already"));
  CHECK_THROWS_WITH(insert_function_before(graph, 1, "add", {2, 2}),
                    Catch::Contains("does not stand before it"));
}

TEST_CASE("only a node that nobody reads can be erased, and its module goes with it") {
  Graph graph = chain();
  CHECK_THROWS_WITH(erase(graph, find_node(graph, "fc")), "graph: node 'fc': 'act' reads it");
  CHECK_THROWS_WITH(erase(graph, 0), Catch::Contains("the input and the output stay"));
  const NodeId act = find_node(graph, "act");
  replace_uses(graph, act, find_node(graph, "fc"));
  erase(graph, act);
  CHECK_NOTHROW(verify(graph));
  CHECK(graph.nodes.size() == 3);
  CHECK(graph.find_module("act") == nullptr);
}

TEST_CASE("a swapped module takes over parameters of the same name and shape") {
  Graph graph = chain();
  const float weight = graph.find_module("fc")->parameters()[0].value(1, 2);
  const std::shared_ptr<Module> old = swap_module(graph, "fc", std::make_shared<Linear>(3, 2, false));
  CHECK(graph.find_module("fc")->parameters()[0].value(1, 2) == weight);
  CHECK(graph.parameter_count() == 6);
  CHECK_FALSE(old->parameters()[0].value);
  swap_module(graph, "fc", std::make_shared<Linear>(3, 7));
  CHECK(graph.find_module("fc")->parameters()[0].value(6, 2) == 0);
  CHECK_THROWS_WITH(verify(graph), Catch::Contains("'fc': it should yield 7 features, found 2"));
  CHECK_THROWS_WITH(swap_module(graph, "fcc", std::make_shared<ReLU>()),
                    Catch::Contains("did you mean 'fc'?"));
}
