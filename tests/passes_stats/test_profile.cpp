// The passes profile_statistics and profile_ranges on small networks.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/random.hpp"
#include "graph/builder.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "graph/passes/pass.hpp"
#include "graph/state_dict.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

// Normal values, the same whichever rows are asked for.
class NormalInput final : public InputGenerator {
 public:
  NormalInput(Index features, Index rows) : features_(features), rows_(rows) {}
  Index features() const override { return features_; }
  Index rows() const override { return rows_; }
  void fill(Index first, Matrix x) const override {
    for (Index f = 0; f < x.rows; ++f)
      fill_normal({5, static_cast<std::uint64_t>(f)}, static_cast<std::uint64_t>(first), x.row(f), x.cols);
  }

 private:
  Index features_, rows_;
};

Graph jsc_tiny() {
  GraphBuilder builder(16);
  NodeId h = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(16), {builder.input()});
  h = builder.call_module("seq_blocks.1", std::make_shared<ReLU>(true), {h});
  h = builder.call_module("seq_blocks.2", std::make_shared<Linear>(16, 5), {h});
  h = builder.call_module("seq_blocks.3", std::make_shared<ReLU>(true), {h});
  Graph graph = builder.finish(h);
  graph.initialize(42);
  return graph;
}

const Pass& pass(std::string_view name) {
  for (const Pass& p : graph_passes())
    if (p.name == name) return p;
  fail("no pass {}", name);
}

// The lab's settings.
MetaValue lab() {
  return MetaValue::parse(R"({"by": "type", "target_weight_nodes": ["linear"],
    "target_activation_nodes": ["relu"], "weight_statistics": {"variance_precise": {"device": "cpu", "dims": "all"}},
    "activation_statistics": {"range_quantile": {"device": "cpu", "dims": "all", "quantile": 0.97}},
    "num_samples": 32})");
}

PassResult profile(Graph& graph, const MetaValue& options, const InputGenerator* input, int threads = 1) {
  PassArguments arguments;
  arguments.options = options;
  arguments.input = input;
  arguments.execution.threads = threads;
  return run_pass(pass("profile_statistics"), graph, arguments);
}

MetaValue stat(const Graph& graph, std::string_view node, const char* entry, const char* group = "args") {
  for (const Node& n : graph.nodes)
    if (n.name == node) {
      const MetaValue none = MetaValue::object();
      return n.meta.software.value(group, none).value(entry, none).value("stat", none);
    }
  fail("no node {}", node);
}

}  // namespace

TEST_CASE("jsc-tiny with the lab's settings gives the counts of the specification") {
  Graph graph = jsc_tiny();
  const NormalInput input(16, 100);
  const std::string before = state_hash(graph);
  const PassResult result = profile(graph, lab(), &input);
  CHECK(state_hash(graph) == before);  // Q-16

  CHECK(stat(graph, "seq_blocks_2", "weight")["variance_precise"]["count"] == 80);
  CHECK(stat(graph, "seq_blocks_2", "bias")["variance_precise"]["count"] == 5);
  CHECK(stat(graph, "seq_blocks_1", "data_in_0")["range_quantile"]["count"] == 512);
  CHECK(stat(graph, "seq_blocks_3", "data_in_0")["range_quantile"]["count"] == 160);
  CHECK(stat(graph, "seq_blocks_0", "data_in_0").empty());
  CHECK(stat(graph, "seq_blocks_0", "weight").empty());
  REQUIRE(result.tables.size() == 1);
  CHECK(result.tables[0].rows.size() == 2 * 3 + 2 * 4);
  CHECK(result.tables[0].rows[2] ==
        std::vector<std::string>{"seq_blocks_2", "weight", "variance_precise", "count", "80"});
}

TEST_CASE("statistics of activations are those of the values that the network computes") {
  Graph graph = jsc_tiny();
  const Index samples = 600;  // not a multiple of the block
  const NormalInput input(16, 700);
  MetaValue options = lab();
  options["activation_statistics"] = MetaValue::parse(R"({"abs_mean": {}, "range_min_max": {}})");
  options["profile_output_activation"] = true;
  options["profile_input"] = true;
  options["num_samples"] = samples;
  profile(graph, options, &input);

  Tape tape;
  const Recording recording = record(graph, tape, samples, Mode::evaluate);
  input.fill(0, tape.value(recording.input));
  tape.forward();
  const auto check = [&](std::size_t node, const MetaValue& found) {
    const Matrix value = tape.value(recording.values[node]);
    double sum = 0, largest = -1e30;
    for (Index r = 0; r < value.rows; ++r)
      for (Index c = 0; c < samples; ++c) {
        sum += std::fabs(static_cast<double>(value(r, c)));
        largest = std::max<double>(largest, value(r, c));
      }
    const auto count = static_cast<double>(value.rows * samples);
    CHECK(found["abs_mean"]["abs_mean"].get<double>() == Approx(sum / count).epsilon(1e-12));
    CHECK(found["range_min_max"]["max"] == largest);
    CHECK(found["abs_mean"]["count"] == count);
  };
  check(0, stat(graph, "x", "data_out_0", "results"));
  check(1, stat(graph, "seq_blocks_1", "data_in_0"));
  check(2, stat(graph, "seq_blocks_1", "data_out_0", "results"));
  check(3, stat(graph, "seq_blocks_3", "data_in_0"));
  check(4, stat(graph, "seq_blocks_3", "data_out_0", "results"));
}

TEST_CASE("Q-20: a layer's weights are not profiled as its activations") {
  Graph graph = jsc_tiny();
  const NormalInput input(16, 100);
  MetaValue options = lab();
  options["target_weight_nodes"] = MetaValue::array();
  options["target_activation_nodes"] = {"linear", "batch_norm1d"};
  profile(graph, options, &input);
  CHECK(stat(graph, "seq_blocks_2", "data_in_0")["range_quantile"]["count"] == 512);
  CHECK(stat(graph, "seq_blocks_2", "weight").empty());
}

TEST_CASE("batch normalization is profiled with its running statistics, without its counter") {
  Graph graph = jsc_tiny();
  MetaValue options = lab();
  options["by"] = "name";
  options["target_weight_nodes"] = {"seq_blocks_0", "seq_blocks_1"};
  options["target_activation_nodes"] = MetaValue::array();
  const PassResult result = profile(graph, options, nullptr);
  for (const char* entry : {"weight", "bias", "running_mean", "running_var"})
    CHECK(stat(graph, "seq_blocks_0", entry)["variance_precise"]["count"] == 16);
  CHECK(stat(graph, "seq_blocks_0", "num_batches_tracked").empty());
  CHECK(result.text == "seq_blocks_1 has no weights to profile\n");
}

TEST_CASE("statistics do not depend on the number of threads") {
  Graph graph = jsc_tiny();
  const NormalInput input(16, 70001);  // five spans, the last of one block and a part
  MetaValue options = lab();
  options["target_activation_nodes"] = {"linear", "relu", "output"};
  options["num_samples"] = 70001;
  options["activation_statistics"] = MetaValue::parse(
      R"({"range_quantile": {}, "variance_online": {"dims": [0]}, "range_min_max": {}, "abs_mean": {}, "variance_precise": {}})");
  const PassResult one = profile(graph, options, &input, 1);
  const MetaValue software = graph.nodes[4].meta.software;
  for (const int threads : {2, 3, 8}) {
    CHECK(profile(graph, options, &input, threads).tables[0].rows == one.tables[0].rows);
    CHECK(graph.nodes[4].meta.software == software);
  }
  CHECK(software["args"]["data_in_0"]["stat"]["abs_mean"]["count"] == 70001 * 5);
}

TEST_CASE("a function's inputs are profiled one by one") {
  GraphBuilder builder(4);
  const NodeId h = builder.call_module("act", std::make_shared<ReLU>(), {builder.input()});
  Graph graph = builder.finish(builder.call_function("add", {h, builder.input()}));
  const NormalInput input(4, 64);
  MetaValue options = lab();
  options["target_weight_nodes"] = MetaValue::array();
  options["target_activation_nodes"] = {"add"};
  options["activation_statistics"] = MetaValue::parse(R"({"range_min_max": {}})");
  profile(graph, options, &input);
  CHECK(stat(graph, "add", "data_in_0")["range_min_max"]["min"] == 0);
  CHECK(stat(graph, "add", "data_in_1")["range_min_max"]["min"] < 0);
}

TEST_CASE("what is wrong with a profile's options or data is said") {
  Graph graph = jsc_tiny();
  const NormalInput input(16, 100);
  const auto message = [&](const char* key, const MetaValue& value,
                           const InputGenerator* source) -> std::string {
    MetaValue options = lab();
    options[key] = value;
    try {
      profile(graph, options, source);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK_THAT(message("target_weight_nodes", {"liner"}, &input),
             Contains("target_weight_nodes: no node has the type 'liner': did you mean 'linear'?"));
  CHECK_THAT(message("target_activation_nodes", {3}, &input), Contains("expected strings, found 3"));
  CHECK_THAT(message("target_weight_nodes", "linear", &input), Contains("should be a list"));  // Q-22
  CHECK_THAT(message("by", "regex_name", &input), Contains("\"name\" or \"type\""));
  CHECK_THAT(message("weight_statistics", MetaValue::parse(R"({"variance_precize": {}})"), &input),
             Contains("did you mean 'variance_precise'?"));
  CHECK_THAT(message("num_samples", 101, &input), Contains("at least 101 rows, found 100"));
  CHECK_THAT(message("num_samples", 0, &input), Contains("at least one sample, found 0"));
  CHECK_THAT(message("num_samples", 32, nullptr), Contains("need an input"));
  const NormalInput narrow(15, 100);
  CHECK_THAT(message("num_samples", 32, &narrow), Contains("expects 16 input features, found 15"));

  graph.modules[2].second->parameters()[0].value(1, 2) = std::nanf("");
  CHECK_THAT(message("num_samples", 32, &input),
             Contains("weight of seq_blocks_2: expected finite values, found 1 of 80"));
  CHECK_THAT(message("target_weight_nodes", MetaValue::array(), &input),
             Contains("value of seq_blocks_2: expected finite values, found 32 of 160"));
}

TEST_CASE("profile_ranges draws every tensor, the input first among the activations") {
  Graph graph = jsc_tiny();
  const NormalInput input(16, 2000);
  const std::string before = state_hash(graph);
  PassArguments arguments;
  arguments.input = &input;
  std::int64_t last = 0;
  arguments.progress = [&](std::int64_t done, std::int64_t total) {
    CHECK(done <= total);
    last = done;
  };
  const PassResult result = run_pass(pass("profile_ranges"), graph, arguments);
  CHECK(state_hash(graph) == before);
  CHECK(last == 2000);
  std::vector<std::string> names;
  for (const TensorBox& box : result.boxes) names.push_back(box.name);
  CHECK(names == std::vector<std::string>{"seq_blocks_0 weight", "seq_blocks_0 bias",
                                          "seq_blocks_0 running_mean", "seq_blocks_0 running_var",
                                          "seq_blocks_2 weight", "seq_blocks_2 bias", "x data_out_0",
                                          "seq_blocks_0 data_out_0", "seq_blocks_1 data_out_0",
                                          "seq_blocks_2 data_out_0", "seq_blocks_3 data_out_0"});
  CHECK(result.boxes[6].count == 32000);
  CHECK(result.boxes[8].zero_share == Approx(0.5).margin(0.02));
  CHECK(result.tables[0].rows.size() == 11);
}
