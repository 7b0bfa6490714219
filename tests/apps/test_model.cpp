#include <catch2/catch.hpp>

#include "apps/models/model.hpp"

using namespace jsc;

namespace {

Graph zoo_graph(const std::string& name) {
  return build_model(find_model(name), 16, 5);
}

}  // namespace

TEST_CASE("the zoo's networks have the parameters that the literature counts") {
  const std::pair<const char*, Index> counts[] = {
      {"jsc-tiny", 117}, {"jsc-tiny-127", 127}, {"jsc-toy", 327},    {"jsc-test", 11015},
      {"jsc-s", 5615},   {"jsc-trt", 3231},     {"jsc-hls4ml", 4389}};
  CHECK(zoo().size() == std::size(counts));
  for (const auto& [name, count] : counts) {
    CAPTURE(name);
    CHECK(zoo_graph(name).parameter_count() == count);
  }
}

TEST_CASE("zoo layers have MASE's paths and printed forms") {
  const Graph tiny = zoo_graph("jsc-tiny");
  CHECK(tiny.nodes[3].name == "seq_blocks_2");
  CHECK(tiny.nodes[3].target == "seq_blocks.2");
  CHECK(tiny.find_module("seq_blocks.1")->describe() == "ReLU(inplace=True)");
  CHECK(zoo_graph("jsc-s").nodes[4].name == "module_list_3");
  CHECK(zoo_graph("jsc-s").find_module("module_list.1")->describe() == "ReLU()");
  CHECK(zoo_graph("jsc-test").modules.size() == 17);
}

TEST_CASE("a matmul layer is a parameter and a function, and is named as a layer") {
  const Graph graph = build_model({"net", R"(layers = [
    { type = "matmul", out = 8, name = "first" },
    { type = "relu" },
    { type = "matmul", out = "classes", input = "first" },
  ])"},
                                  16, 5);
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  CHECK(names == std::vector<std::string>{"x", "first_weight", "matmul", "seq_blocks_1",
                                          "seq_blocks_2_weight", "matmul_1", "output"});
  CHECK(graph.nodes[5].inputs == std::vector<NodeId>{2, 4});
  CHECK(graph.parameter_of(graph.nodes[1])->shape == std::vector<Index>{16, 8});
  CHECK(graph.parameter_count() == 16 * 8 + 8 * 5);
}

TEST_CASE("models take the sizes of the data") {
  const Graph graph = build_model(find_model("jsc-toy"), 7, 3);
  CHECK(graph.input().features == 7);
  CHECK(graph.result().features == 3);
}
