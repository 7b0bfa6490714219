#include "tests/quant/quantized_network.hpp"

#include <cmath>

#include "engine/random.hpp"
#include "graph/builder.hpp"
#include "graph/modules.hpp"
#include "quant/passes/passes.hpp"

namespace jsc::test {

namespace {

void set_statistics(Graph& graph, std::uint64_t seed) {
  std::uint64_t stream = 1000;
  for (auto& [path, module] : graph.modules)
    for (Buffer& buffer : module->buffers())
      if (auto* values = std::get_if<std::vector<float>>(&buffer.value)) {
        fill_normal({seed, stream++}, 0, values->data(), static_cast<Index>(values->size()));
        if (buffer.name == "running_var")
          for (float& v : *values) v = 0.5F + v * v;
      }
}

}  // namespace

Graph small_network(Index features, Index hidden, Index classes, std::uint64_t seed) {
  GraphBuilder builder(features);
  NodeId h = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(features), {builder.input()});
  h = builder.call_module("seq_blocks.1", std::make_shared<ReLU>(), {h});
  h = builder.call_module("seq_blocks.2", std::make_shared<Linear>(features, hidden), {h});
  h = builder.call_module("seq_blocks.3", std::make_shared<BatchNorm1d>(hidden), {h});
  h = builder.call_module("seq_blocks.4", std::make_shared<ReLU>(), {h});
  h = builder.call_module("seq_blocks.5", std::make_shared<Linear>(hidden, classes), {h});
  h = builder.call_module("seq_blocks.6", std::make_shared<ReLU>(), {h});
  Graph graph = builder.finish(h);
  graph.initialize(seed);
  set_statistics(graph, seed);
  return graph;
}

Graph branching_network(Index features, std::uint64_t seed) {
  GraphBuilder builder(features);
  const NodeId a = builder.call_module("a", std::make_shared<Linear>(features, features), {builder.input()});
  const NodeId b = builder.call_module("b", std::make_shared<Linear>(features, features), {a});
  const NodeId s = builder.call_function("add", {a, b});
  const NodeId d = builder.call_function("sub", {s, b});
  const NodeId p = builder.call_function("mul", {d, s});
  const NodeId r = builder.call_function("relu", {p});
  Graph graph = builder.finish(builder.call_module("c", std::make_shared<Linear>(features, 5), {r}));
  graph.initialize(seed);
  return graph;
}

Graph matmul_network(Index features, Index hidden, Index classes, std::uint64_t seed) {
  GraphBuilder builder(features);
  NodeId h = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(features), {builder.input()});
  const NodeId w1 = builder.get_attr("seq_blocks.1", std::make_shared<Weight>(features, hidden));
  h = builder.call_function("matmul", {h, w1});
  h = builder.call_module("seq_blocks.2", std::make_shared<ReLU>(), {h});
  const NodeId w2 = builder.get_attr("seq_blocks.3", std::make_shared<Weight>(hidden, classes));
  Graph graph = builder.finish(builder.call_function("matmul", {h, w2}));
  graph.initialize(seed);
  set_statistics(graph, seed);
  return graph;
}

MetaValue integer_config(int width, int fraction) {
  MetaValue config = {{"name", "integer"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = width;
    config[std::string(tensor) + "_frac_width"] = fraction;
  }
  return config;
}

void quantize_all(Graph& graph, const MetaValue& config) {
  PassArguments arguments;
  arguments.options = {{"by", "type"}, {"default", {{"config", config}}}};
  run_pass(quant_passes()[0], graph, arguments);
}

void NormalSamples::fill(Index first, Matrix x) const {
  for (Index f = 0; f < x.rows; ++f) {
    fill_normal({seed_, static_cast<std::uint64_t>(f)}, static_cast<std::uint64_t>(first), x.row(f), x.cols);
    for (Index i = 0; i < x.cols; ++i) x(f, i) *= 2;
  }
}

}  // namespace jsc::test
