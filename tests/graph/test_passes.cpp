#include <catch2/catch.hpp>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/modules.hpp"
#include "graph/passes/pass.hpp"
#include "graph/state_dict.hpp"

using namespace jsc;

namespace {

class Ramp final : public InputGenerator {
 public:
  explicit Ramp(Index features, Index rows) : features_(features), rows_(rows) {}
  Index features() const override { return features_; }
  Index rows() const override { return rows_; }
  void fill(Index first, Matrix x) const override {
    for (Index f = 0; f < x.rows; ++f)
      for (Index b = 0; b < x.cols; ++b)
        x(f, b) = 0.125F * static_cast<float>((f * 5 + (first + b) * 3) % 17 - 8);
  }

 private:
  Index features_, rows_;
};

// MASE's jsc-tiny.
Graph tiny() {
  GraphBuilder builder(16);
  NodeId node = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(16), {builder.input()});
  node = builder.call_module("seq_blocks.1", std::make_shared<ReLU>(true), {node});
  node = builder.call_module("seq_blocks.2", std::make_shared<Linear>(16, 5), {node});
  Graph graph = builder.finish(builder.call_module("seq_blocks.3", std::make_shared<ReLU>(true), {node}));
  graph.initialize(1);
  return graph;
}

const Pass& pass_named(std::string_view name) {
  for (const Pass& pass : graph_passes())
    if (pass.name == name) return pass;
  FAIL("no pass " << name);
  throw std::logic_error("unreachable");
}

const Ramp kInput(16, 100);

PassResult run(const std::string& name, Graph& graph, MetaValue options = MetaValue::object()) {
  PassArguments arguments;
  arguments.options = std::move(options);
  arguments.input = &kInput;
  return run_pass(pass_named(name), graph, arguments);
}

Graph prepared() {
  Graph graph = tiny();
  for (const char* pass :
       {"init_metadata", "add_common_metadata", "add_software_metadata", "add_hardware_metadata"})
    run(pass, graph);
  return graph;
}

}  // namespace

TEST_CASE("report_graph prints what torch.fx prints") {
  Graph graph = tiny();
  const PassResult result = run("report_graph", graph);
  CHECK(
      result.text ==
      "graph():\n"
      "    %x : [num_users=1] = placeholder[target=x]\n"
      "    %seq_blocks_0 : [num_users=1] = call_module[target=seq_blocks.0](args = (%x,), kwargs = {})\n"
      "    %seq_blocks_1 : [num_users=1] = call_module[target=seq_blocks.1](args = (%seq_blocks_0,), kwargs "
      "= {})\n"
      "    %seq_blocks_2 : [num_users=1] = call_module[target=seq_blocks.2](args = (%seq_blocks_1,), kwargs "
      "= {})\n"
      "    %seq_blocks_3 : [num_users=1] = call_module[target=seq_blocks.3](args = (%seq_blocks_2,), kwargs "
      "= {})\n"
      "    return seq_blocks_3\n"
      "Network overview:\n"
      "{'placeholder': 1, 'get_attr': 0, 'call_function': 0, 'call_method': 0, 'call_module': 4, 'output': "
      "1}\n"
      "Layer types:\n"
      "[BatchNorm1d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True), ReLU(inplace=True), "
      "Linear(in_features=16, out_features=5, bias=True), ReLU(inplace=True)]\n");
}

TEST_CASE("report_graph shows functions and several readers") {
  GraphBuilder builder(2);
  const NodeId act = builder.call_module("act", std::make_shared<ReLU>(), {builder.input()});
  Graph graph = builder.finish(builder.call_function("add", {act, builder.input()}));
  const std::string text = run("report_graph", graph).text;
  CHECK_THAT(text, Catch::Contains("%x : [num_users=2] = placeholder[target=x]\n"));
  CHECK_THAT(
      text,
      Catch::Contains(
          "%add : [num_users=1] = call_function[target=operator.add](args = (%act, %x), kwargs = {})\n"));
}

TEST_CASE("common metadata has the shapes of the specification's example") {
  Graph graph = prepared();
  const auto common = [&](const char* node) {
    return graph.nodes[static_cast<std::size_t>(find_node(graph, node))].meta.common;
  };
  CHECK(common("x")["results"]["data_out_0"]["shape"] == MetaValue({8, 16}));
  CHECK(common("x")["args"].empty());
  CHECK(common("seq_blocks_0")["mase_type"] == "module");
  CHECK(common("seq_blocks_0")["mase_op"] == "batch_norm1d");
  CHECK(common("seq_blocks_0")["args"]["weight"]["shape"] == MetaValue({16}));
  CHECK(common("seq_blocks_2")["mase_type"] == "module_related_func");
  CHECK(common("seq_blocks_2")["args"]["data_in_0"]["shape"] == MetaValue({8, 16}));
  CHECK(common("seq_blocks_2")["args"]["data_in_0"]["from"] == "seq_blocks_1");
  CHECK(common("seq_blocks_2")["args"]["weight"]["shape"] == MetaValue({5, 16}));
  CHECK(common("seq_blocks_2")["args"]["weight"]["from"].is_null());
  CHECK(common("seq_blocks_2")["args"]["weight"]["precision"] == MetaValue({32}));
  CHECK(common("seq_blocks_2")["results"]["data_out_0"]["shape"] == MetaValue({8, 5}));
  CHECK(common("output")["args"].empty());
  CHECK(graph.meta.common["nodes_in"] == MetaValue({"seq_blocks_0"}));
  CHECK(graph.meta.common["nodes_out"] == MetaValue({"seq_blocks_3"}));
  CHECK_NOTHROW(run("verify_common_metadata", graph));
}

TEST_CASE(
    "recorded values are those of the node, not of a later one in place (Q-12), and the output's its "
    "argument's (Q-17)") {
  Graph graph = prepared();
  const MetaValue& linear = graph.nodes[3].meta.common["results"]["data_out_0"]["value"];
  bool negative = false;
  for (const MetaValue& row : linear)
    for (const MetaValue& v : row) negative |= v.get<float>() < 0;
  CHECK(negative);  // the ReLU behind it has not overwritten it
  CHECK(graph.nodes[5].meta.common["results"]["data_out_0"] ==
        graph.nodes[4].meta.common["results"]["data_out_0"]);
  // A later node that the output does not read changes nothing.
  insert_function_before(graph, 5, "relu", {1});
  run("add_common_metadata", graph);
  CHECK(graph.nodes.back().meta.common["results"]["data_out_0"]["shape"] == MetaValue({8, 5}));
}

TEST_CASE("no analysis changes weights or running statistics (Q-16)") {
  Graph graph = tiny();
  const std::string before = state_hash(graph);
  for (const Pass& pass : graph_passes()) {
    if (pass.kind != PassKind::analysis || pass.name == "load_node_meta_param" ||
        pass.name.starts_with("profile"))
      continue;
    CAPTURE(pass.name);
    run(std::string(pass.name), graph);
    CHECK(state_hash(graph) == before);
  }
}

TEST_CASE("every argument has statistics of its own (Q-19)") {
  Graph graph = prepared();
  MetaValue& args = graph.nodes[1].meta.software["args"];
  std::vector<std::string> names;
  for (const auto& [name, entry] : args.items()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"data_in_0", "weight", "bias", "running_mean", "running_var"});
  args["weight"]["stat"]["x"] = 1;
  CHECK(args["bias"]["stat"].empty());
  CHECK(graph.nodes[0].meta.software["args"].empty());
  CHECK(graph.nodes[5].meta.software["results"].empty());
}

TEST_CASE("hardware metadata names blocks, interfaces and parameters") {
  Graph graph = prepared();
  const MetaValue& linear = graph.nodes[3].meta.hardware;
  CHECK(linear["toolchain"] == "INTERNAL");
  CHECK(linear["module"] == "fixed_linear");
  CHECK(linear["interface"]["weight"] == MetaValue({{"storage", "BRAM"}, {"transpose", false}}));
  CHECK(linear["interface"]["data_in_0"].empty());
  CHECK(linear["verilog_param"]["WEIGHT_TENSOR_SIZE_DIM_0"] == 16);
  CHECK(linear["verilog_param"]["WEIGHT_TENSOR_SIZE_DIM_1"] == 5);
  CHECK(linear["verilog_param"]["DATA_IN_0_PRECISION_0"] == 32);
  CHECK(linear["verilog_param"]["DATA_OUT_0_PARALLELISM_DIM_0"] == 4);
  CHECK(graph.nodes[1].meta.hardware["toolchain"] == "HLS");
  CHECK(graph.nodes[0].meta.hardware["is_implicit"] == true);
  CHECK(graph.meta.hardware["verilog_sources"] == MetaValue({"fixed_relu.sv", "fixed_linear.sv"}));
  Graph bare = tiny();
  CHECK_THROWS_WITH(run("add_hardware_metadata", bare), Catch::Contains("run add_common_metadata first"));
}

TEST_CASE("verify_common_metadata names node and rule") {
  Graph graph = prepared();
  graph.nodes[3].meta.common["args"]["weight"]["shape"] = {5, 15};
  CHECK_THROWS_WITH(run("verify_common_metadata", graph),
                    Catch::Contains("'seq_blocks_2': 'weight' should have the shape [5,16], found [5,15]"));
  graph = prepared();
  graph.nodes[2].meta.common["args"]["data_in_0"]["shape"] = {4, 16};
  CHECK_THROWS_WITH(
      run("verify_common_metadata", graph),
      Catch::Contains("'seq_blocks_1': 'data_in_0' should have the shape of the result of 'seq_blocks_0'"));
  graph = prepared();
  graph.nodes[1].meta.common.erase("mase_op");
  CHECK_THROWS_WITH(run("verify_common_metadata", graph),
                    Catch::Contains("'seq_blocks_0': 'mase_op' is missing"));
  Graph bare = tiny();
  CHECK_THROWS_WITH(run("verify_common_metadata", bare), Catch::Contains("'x'"));
}

TEST_CASE("metadata saved as TOML loads back the same") {
  Graph graph = prepared();
  const std::string toml = run("save_node_meta_param", graph).text;
  CHECK_THAT(toml, Catch::Contains("NA"));
  Graph fresh = tiny();
  PassArguments arguments;
  arguments.options = {{"load_path", "m.toml"}};
  arguments.read_file = [&](const std::string&) { return toml; };
  run_pass(pass_named("load_node_meta_param"), fresh, arguments);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    CHECK(nlohmann::json(fresh.nodes[i].meta.common) == nlohmann::json(graph.nodes[i].meta.common));
    CHECK(nlohmann::json(fresh.nodes[i].meta.hardware) == nlohmann::json(graph.nodes[i].meta.hardware));
  }
  arguments.read_file = [](const std::string&) { return std::string("[seq_block_1]\n"); };
  CHECK_THROWS_WITH(run_pass(pass_named("load_node_meta_param"), fresh, arguments),
                    "m.toml: there is no node 'seq_block_1': did you mean 'seq_blocks_1'?");
  arguments.read_file = [](const std::string&) { return std::string("x = [\n"); };
  CHECK_THROWS_WITH(run_pass(pass_named("load_node_meta_param"), fresh, arguments),
                    Catch::Contains("m.toml, line"));
}

TEST_CASE("dictionaries print as Python's pprint prints them") {
  CHECK(python_text({{"b", 1}, {"a", nullptr}}) == "{'a': None, 'b': 1}");
  CHECK(python_text({true, 0.5, 2.0, "it's"}) == "[True, 0.5, 2.0, \"it's\"]");
  CHECK(python_text(MetaValue::object()) == "{}");
  CHECK(python_text(
            {{"args", {{"bias", {{"stat", {{"count", 5}}}}}, {"data_in_0", {{"stat", MetaValue::object()}}}}},
             {"results", MetaValue::object()}},
            40) ==
        "{'args': {'bias': {'stat': {'count': 5}},\n"
        "          'data_in_0': {'stat': {}}},\n"
        " 'results': {}}");
}

TEST_CASE("reports have a row a node") {
  Graph graph = prepared();
  const PassResult types = run("report_node_type", graph);
  CHECK(types.tables[0].rows[3] ==
        std::vector<std::string>{"seq_blocks_2", "call_module", "module_related_func", "linear", "float"});
  CHECK(types.tables[0].rows[0].back() == "NA");
  const PassResult shapes = run("report_node_shape", graph);
  CHECK(shapes.tables[0].rows[3] == std::vector<std::string>{"seq_blocks_2",
                                                             "data_in_0 [8, 16]\nweight [5, 16]\nbias [5]",
                                                             "data_out_0 [8, 5]"});
  const PassResult all = run("report_node_meta_param", graph);
  CHECK(all.tables[0].titles.size() == 7);
  const PassResult one = run("report_node_meta_param", graph, {{"which", {"software"}}});
  CHECK(one.tables[0].titles ==
        std::vector<std::string>{"Node name", "Fx Node op", "Mase type", "Mase op", "Software Param"});
  CHECK(one.tables[0].rows[2][4] ==
        "{'args': {'data_in_0': {'stat': {}}}, 'results': {'data_out_0': {'stat': {}}}}");
  CHECK_THROWS_WITH(run("report_node_meta_param", graph, {{"which", {"soft"}}}),
                    Catch::Contains("found \"soft\""));
}

TEST_CASE("operations are counted by the formulas of the documentation") {
  Graph graph = tiny();
  const MetaValue info = run("count_operations", graph).info;
  CHECK(info["nodes"]["seq_blocks_2"] ==
        MetaValue({{"parameters", 85}, {"macs", 80}, {"flops", 160}, {"bitops", 80 * 32 * 32}}));
  CHECK(info["nodes"]["seq_blocks_0"]["flops"] == 32);
  CHECK(info["total"]["flops"] == 32 + 16 + 160 + 5);
  CHECK(info["total"]["parameters"] == 117);
  // Precision in the metadata: BitOPs go by width, not by width plus fraction.
  run("add_common_metadata", graph);
  for (const char* entry : {"weight", "data_in_0"})
    graph.nodes[3].meta.common["args"][entry]["precision"] = {8, 4};
  CHECK(run("count_operations", graph).info["total"]["bitops"] == 80 * 8 * 8);
}

TEST_CASE("the memory footprint counts parameters, buffers and the results alive at once") {
  Graph graph = tiny();
  const MetaValue info = run("memory_footprint", graph).info;
  CHECK(info["parameter_bytes"] == 117 * 4.0);
  CHECK(info["buffer_bytes"] == 32 * 4.0 + 8);
  CHECK(info["peak_result_bytes"] == 2 * 16 * 4.0);
}

TEST_CASE("every report knows a matmul and the parameter that it fetches") {
  GraphBuilder builder(16);
  const NodeId weight = builder.get_attr("seq_blocks.0", std::make_shared<Weight>(16, 5));
  Graph graph = builder.finish(builder.call_function("matmul", {builder.input(), weight}));
  graph.initialize(1);
  const PassResult report = run("report_graph", graph);
  CHECK(report.text ==
        "graph():\n"
        "    %x : [num_users=1] = placeholder[target=x]\n"
        "    %seq_blocks_0_weight : [num_users=1] = get_attr[target=seq_blocks.0.weight]\n"
        "    %matmul : [num_users=1] = call_function[target=torch.matmul](args = (%x, %seq_blocks_0_weight), "
        "kwargs = {})\n"
        "    return matmul\n"
        "Network overview:\n"
        "{'placeholder': 1, 'get_attr': 1, 'call_function': 1, 'call_method': 0, 'call_module': 0, 'output': "
        "1}\n"
        "Layer types:\n"
        "[]\n");
  for (const char* pass : {"init_metadata", "add_common_metadata", "add_software_metadata",
                           "add_hardware_metadata", "verify_common_metadata"})
    run(pass, graph);
  const MetaValue& fetched = graph.nodes[1].meta.common;
  CHECK(fetched["mase_type"] == "implicit_func");
  CHECK(fetched["mase_op"] == "constant");
  CHECK(fetched["results"]["data_out_0"]["shape"] == MetaValue({16, 5}));
  CHECK(fetched["results"]["data_out_0"]["value"][3][2] == graph.block.values[3 * 5 + 2]);
  CHECK(graph.nodes[1].meta.hardware["is_implicit"] == true);
  const MetaValue& common = graph.nodes[2].meta.common;
  CHECK(common["mase_type"] == "builtin_func");
  CHECK(common["mase_op"] == "matmul");
  CHECK(common["args"]["data_in_0"]["shape"] == MetaValue({8, 16}));
  CHECK(common["args"]["data_in_1"]["shape"] == MetaValue({16, 5}));
  CHECK(common["args"]["data_in_1"]["from"] == "seq_blocks_0_weight");
  CHECK(common["args"]["data_in_1"]["value"] == fetched["results"]["data_out_0"]["value"]);
  CHECK(common["results"]["data_out_0"]["shape"] == MetaValue({8, 5}));
  CHECK(graph.nodes[2].meta.hardware["verilog_param"]["DATA_IN_1_TENSOR_SIZE_DIM_1"] == 16);
  CHECK(run("report_node_shape", graph).tables[0].rows[2] ==
        std::vector<std::string>{"matmul", "data_in_0 [8, 16]\ndata_in_1 [16, 5]", "data_out_0 [8, 5]"});
  CHECK(run("report_node_type", graph).tables[0].rows[1] ==
        std::vector<std::string>{"seq_blocks_0_weight", "get_attr", "implicit_func", "constant", "NA"});

  const MetaValue operations = run("count_operations", graph).info;
  CHECK(operations["nodes"]["matmul"] ==
        MetaValue({{"parameters", 0}, {"macs", 80}, {"flops", 155}, {"bitops", 80 * 32 * 32}}));
  CHECK(operations["nodes"]["seq_blocks_0_weight"]["parameters"] == 80);
  CHECK(operations["total"]["parameters"] == 80);
  const MetaValue memory = run("memory_footprint", graph).info;
  CHECK(memory["parameter_bytes"] == 80 * 4.0);
  CHECK(memory["peak_result_bytes"] == (16 + 5) * 4.0);
  // In fewer bits the product and the memory are smaller.
  graph.nodes[2].meta.common["args"]["data_in_1"]["precision"] = {6, 4};
  CHECK(run("count_operations", graph).info["total"]["bitops"] == 80 * 32 * 6);
  CHECK(run("memory_footprint", graph).info["parameter_bytes"] == 80 * 6 / 8.0);

  const std::string dot = run("draw_graph", graph).dot;
  CHECK_THAT(dot, Catch::Contains("\"seq_blocks_0_weight\" -> \"matmul\" [label=\" 16 x 5\"]"));
  CHECK_THAT(dot,
             Catch::Contains("seq_blocks_0_weight\\nParameter containing: [torch.float32 of size 16x5]"));

  const auto profiled = [&](MetaValue options) {
    options["by"] = "type";
    return run("profile_statistics", graph, options).info;
  };
  const MetaValue weights =
      profiled({{"target_weight_nodes", {"matmul", "constant"}},
                {"weight_statistics", {{"range_min_max", {{"abs", false}, {"dims", "all"}}}}}});
  float lowest = 0;
  for (Index i = 0; i < 80; ++i) lowest = std::min(lowest, graph.block.values[i]);
  CHECK(weights["matmul"]["data_in_1"]["range_min_max"]["min"] == lowest);
  CHECK(weights["seq_blocks_0_weight"]["weight"]["range_min_max"]["min"] == lowest);
  const MetaValue activations =
      profiled({{"target_activation_nodes", {"matmul", "constant"}},
                {"activation_statistics", {{"range_min_max", {{"abs", false}, {"dims", "all"}}}}},
                {"num_samples", 20}});
  CHECK(activations["matmul"].contains("data_in_0"));
  CHECK_FALSE(activations["matmul"].contains("data_in_1"));
  CHECK_FALSE(activations.contains("seq_blocks_0_weight"));
  std::vector<std::string> boxes;
  for (const TensorBox& box : run("profile_ranges", graph).boxes) boxes.push_back(box.name);
  CHECK(boxes == std::vector<std::string>{"seq_blocks_0_weight", "x data_out_0", "matmul data_out_0"});
}

TEST_CASE("the drawing names every node and edge") {
  Graph graph = tiny();
  const std::string dot = run("draw_graph", graph).dot;
  CHECK_THAT(dot, Catch::Contains("\"seq_blocks_1\" -> \"seq_blocks_2\""));
  CHECK_THAT(dot, Catch::Contains("seq_blocks_2\\nLinear(in_features=16, out_features=5, bias=True)"));
}

TEST_CASE("options of a pass are checked by name and kind") {
  Graph graph = tiny();
  CHECK_THROWS_WITH(run("add_common_metadata", graph, {{"batchsize", 3}}),
                    "pass add_common_metadata: unknown key 'batchsize': did you mean 'batch_size'?");
  CHECK_THROWS_WITH(run("add_common_metadata", graph, {{"batch_size", "3"}}),
                    "pass add_common_metadata: 'batch_size' should be an integer, found \"3\"");
  CHECK_THROWS_WITH(run("add_common_metadata", graph, {{"batch_size", 0}}),
                    Catch::Contains("at least 1, found 0"));
  CHECK_THROWS_WITH(run("load_node_meta_param", graph), Catch::Contains("needs the key 'load_path'"));
  const Ramp narrow(7, 10), empty(16, 0);
  PassArguments arguments;
  arguments.input = &narrow;
  CHECK_THROWS_WITH(run_pass(pass_named("add_common_metadata"), graph, arguments),
                    Catch::Contains("takes 16 features, the data has 7"));
  arguments.input = &empty;
  CHECK_THROWS_WITH(run_pass(pass_named("add_common_metadata"), graph, arguments),
                    Catch::Contains("needs input data"));
}
