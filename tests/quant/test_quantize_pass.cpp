// The passes of quant/passes: which nodes quantize picks and what it leaves behind, the summary's tables,
// average widths, and batch normalization folded into linear layers.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "graph/state_dict.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"
#include "quant/quantized_tensors.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

PassResult run(std::span<const Pass> passes, std::string_view name, Graph& graph,
               MetaValue options = MetaValue::object()) {
  for (const Pass& pass : passes)
    if (pass.name == name) {
      PassArguments arguments;
      arguments.options = std::move(options);
      const NormalSamples samples(graph.input().features, 64, 3);
      arguments.input = &samples;
      return run_pass(pass, graph, arguments);
    }
  throw std::logic_error("no such pass");
}

PassResult quantize_with(Graph& graph, MetaValue options) {
  return run(quant_passes(), "quantize", graph, std::move(options));
}

MetaValue table(const MetaValue& config) {
  return {{"config", config}};
}

const MetaValue kNothing = {{"name", nullptr}};

// MASE's jsc-tiny (one linear layer) and jsc-toy (three).
Graph chain(std::vector<Index> widths) {
  GraphBuilder builder(16);
  NodeId node = builder.input();
  int number = 0;
  const auto call = [&](std::shared_ptr<Module> module) {
    node = builder.call_module("seq_blocks." + std::to_string(number++), std::move(module), {node});
  };
  const bool tiny = widths.size() == 1;
  call(std::make_shared<BatchNorm1d>(16));
  call(std::make_shared<ReLU>(true));
  Index in = 16;
  for (Index out : widths) {
    call(std::make_shared<Linear>(in, out));
    if (!tiny) call(std::make_shared<BatchNorm1d>(out));
    call(std::make_shared<ReLU>(true));
    in = out;
  }
  Graph graph = builder.finish(node);
  graph.initialize(4);
  return graph;
}

Graph tiny() {
  return chain({5});
}

const QuantizedModule* quantized(const Graph& graph, std::string_view node) {
  return quantized_module(graph, graph.nodes[static_cast<std::size_t>(find_node(graph, node))]);
}

// Width of the node's input, 32 if it is float.
int width_of(const Graph& graph, std::string_view node) {
  const QuantizedModule* module = quantized(graph, node);
  return module == nullptr ? 32 : module->quantization().data_in->width();
}

std::vector<int> widths_of(const Graph& graph) {
  std::vector<int> widths;
  for (const Node& node : graph.nodes)
    if (node.kind == NodeKind::call_module) widths.push_back(width_of(graph, node.name));
  return widths;
}

std::vector<float> outputs(const Graph& graph, Index samples) {
  Tape tape(Execution{detected_isa(), 1, false}, Tape::Gradients::none);
  const Recording recording = record(graph, tape, samples, Mode::evaluate);
  NormalSamples(graph.input().features, samples, 8).fill(0, tape.value(recording.input));
  tape.forward();
  const Matrix y = tape.value(recording.output);
  std::vector<float> values;
  for (Index r = 0; r < y.rows; ++r) values.insert(values.end(), y.row(r), y.row(r) + samples);
  return values;
}

ReportTable table_named(const std::vector<ReportTable>& tables, std::string_view name) {
  for (const ReportTable& known : tables)
    if (known.name == name) return known;
  throw std::logic_error("no such table");
}

using Rows = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("by type, tables name ops and default takes the rest") {
  Graph graph = chain({8, 8, 5});
  const PassResult result = quantize_with(graph, {{"by", "type"},
                                                  {"default", table(kNothing)},
                                                  {"linear", table(integer_config(8, 4))},
                                                  {"relu", table(integer_config(6, 3))}});
  CHECK(widths_of(graph) == std::vector<int>{32, 6, 8, 32, 6, 8, 32, 6, 8, 32, 6});
  CHECK(result.changed.size() == 7);
  CHECK_THAT(result.text, Contains("7 of 13 nodes quantized"));
  CHECK(quantized(graph, "seq_blocks_2")->type() == "LinearInteger");
  CHECK(quantized(graph, "seq_blocks_1")->type() == "ReLUInteger");
  CHECK_FALSE(quantized(graph, "seq_blocks_1")->quantization().data_in->fixed_format()->is_signed);
  CHECK(quantized(graph, "seq_blocks_2")->quantization().data_in->fixed_format()->is_signed);
}

TEST_CASE("batch_norm1d is quantized like any other op") {
  Graph graph = tiny();
  quantize_with(graph, {{"by", "type"}, {"batch_norm1d", table(integer_config(10, 5))}});
  CHECK(widths_of(graph) == std::vector<int>{10, 32, 32, 32});
  CHECK(quantized(graph, "seq_blocks_0")->type() == "BatchNorm1dInteger");
}

TEST_CASE("by name, tables name nodes, and default is optional") {
  Graph graph = tiny();
  quantize_with(
      graph,
      {{"by", "name"}, {"seq_blocks_2", table(integer_config(8, 4))}, {"seq_blocks_3", table(kNothing)}});
  CHECK(widths_of(graph) == std::vector<int>{32, 32, 8, 32});
  Graph rest = tiny();
  quantize_with(
      rest, {{"by", "name"}, {"seq_blocks_3", table(kNothing)}, {"default", table(integer_config(5, 2))}});
  CHECK(widths_of(rest) == std::vector<int>{5, 5, 5, 32});
}

TEST_CASE("by regex_name, expressions match whole names, the first that does counts") {
  Graph graph = tiny();
  quantize_with(graph, {{"by", "regex_name"},
                        {"seq_blocks", table(integer_config(3, 1))},
                        {"seq_blocks_[02]", table(integer_config(8, 4))},
                        {"seq_blocks_.*", table(integer_config(4, 2))},
                        {"default", table(integer_config(6, 3))}});
  CHECK(widths_of(graph) == std::vector<int>{8, 4, 8, 4});
  Graph other = tiny();
  const PassResult result = quantize_with(other, {{"by", "regex_name"},
                                                  {"seq_blocks_.*", table(integer_config(4, 2))},
                                                  {"seq_blocks_[02]", table(integer_config(8, 4))},
                                                  {".*_9", table(integer_config(8, 4))}});
  CHECK(widths_of(other) == std::vector<int>{4, 4, 4, 4});
  CHECK_THAT(result.text, Contains("warning: [.*_9] fits no node"));
  Graph untouched = tiny();
  quantize_with(untouched, {{"by", "regex_name"},
                            {"seq_blocks", table(integer_config(3, 1))},
                            {"default", table(integer_config(6, 3))}});
  CHECK(widths_of(untouched) == std::vector<int>{6, 6, 6, 6});
}

TEST_CASE("bypass leaves a node alone, but its table is still read") {
  Graph graph = tiny();
  MetaValue config = integer_config(8, 4);
  config["bypass"] = true;
  const PassResult result = quantize_with(graph, {{"by", "type"}, {"default", table(config)}});
  CHECK(widths_of(graph) == std::vector<int>{32, 32, 32, 32});
  CHECK_THAT(result.text, Contains("warning: the configuration quantizes nothing"));
  config["data_in_witdh"] = 8;
  CHECK_THROWS_WITH(quantize_with(graph, {{"by", "type"}, {"default", table(config)}}),
                    Contains("data_in_witdh"));
}

TEST_CASE("the caller's table can be used again") {
  PassArguments arguments;
  arguments.options = {{"by", "type"}, {"report", true}, {"linear", table(integer_config(8, 4))}};
  const std::string before = arguments.options.dump();
  for (int time = 0; time < 2; ++time) {
    Graph graph = tiny();
    quantize(graph, arguments);
    CHECK(arguments.options.dump() == before);
    CHECK(width_of(graph, "seq_blocks_2") == 8);
  }
}

TEST_CASE("mistakes in the configuration are named, with what was probably meant, and change nothing") {
  const auto fails = [](MetaValue options, const char* a, const char* b) {
    Graph graph = tiny();
    CAPTURE(options.dump());
    CHECK_THROWS_WITH(quantize_with(graph, options), Contains(a) && Contains(b));
    CHECK(widths_of(graph) == std::vector<int>{32, 32, 32, 32});
  };
  const auto edited = [](const char* key, const MetaValue& value) {
    MetaValue config = integer_config(8, 4);
    config[key] = value;
    return config;
  };
  const auto linear = [](const MetaValue& config) {
    return MetaValue{{"by", "type"}, {"relu", table(integer_config(8, 4))}, {"linear", table(config)}};
  };
  fails({{"by", "typ"}}, "by should be type, name or regex_name", "'typ'");
  fails({{"by", "type"}, {"liner", table(kNothing)}}, "no type 'liner'", "did you mean 'linear'");
  fails({{"by", "name"}, {"seq_blocks_", table(kNothing)}}, "no node 'seq_blocks_'",
        "did you mean 'seq_blocks_0'");
  fails({{"by", "regex_name"}, {"seq_(", table(kNothing)}}, "'seq_('", "regular expression");
  fails({{"by", "type"}, {"linear", 3}}, "'linear' should be a table", "found 3");
  fails({{"by", "type"}, {"linear", {{"config", kNothing}, {"confg", 1}}}}, "linear", "unknown key 'confg'");
  fails(linear(edited("name", "intger")), "no number format 'intger'", "did you mean 'integer'");
  fails(linear(edited("data_in_widht", 8)), "unknown key 'data_in_widht'", "did you mean 'data_in_width'");
  fails(linear(edited("weight_width", 0)), "node 'seq_blocks_2', [linear]: weight_width should be in 1..48",
        "found 0");
  fails(linear(edited("weight_rounding", "RDN")), "weight_rounding", "there is no mode 'RDN'");
  fails(linear(edited("ste", "clp")), "ste should be one of clip, identity", "clp");
  fails(linear(edited("compat", "maze")), "compat should be one of none, mase", "maze");
  fails(linear(edited("accum", "fixed<16>")), "accum", "fixed<16>");
  MetaValue config = integer_config(8, 4);
  config.erase("bias_width");
  fails(linear(config), "integer needs the key 'bias_width'", "seq_blocks_2");
  config = integer_config(8, 4);
  config.erase("name");
  fails(linear(config), "needs the key 'name'", "seq_blocks_2");
  config = {{"name", "log"}, {"accum", "fixed<16,6>"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = 8;
    config[std::string(tensor) + "_exponent_bias"] = nullptr;
  }
  fails(linear(config), "accum is for fixed point", "'log'");
}

TEST_CASE("a module that two nodes call is quantized for both or not at all") {
  const auto shared = [] {
    GraphBuilder builder(4);
    const auto module = std::make_shared<Linear>(4, 4);
    const NodeId first = builder.call_module("a", module, {builder.input()});
    Graph graph = builder.finish(builder.call_module("a", module, {first}));
    graph.initialize(1);
    return graph;
  };
  Graph graph = shared();
  CHECK_THROWS_WITH(quantize_with(graph, {{"by", "name"}, {"a", table(integer_config(8, 4))}}),
                    Contains("nodes 'a' and 'a_1' call the module 'a'"));
  CHECK_THROWS_WITH(
      quantize_with(
          graph, {{"by", "name"}, {"a", table(integer_config(8, 4))}, {"a_1", table(integer_config(8, 3))}}),
      Contains("the same configuration"));
  CHECK(width_of(graph, "a") == 32);
  quantize_with(graph, {{"by", "type"}, {"linear", table(integer_config(8, 4))}});
  CHECK(width_of(graph, "a") == 8);
  CHECK(width_of(graph, "a_1") == 8);
}

TEST_CASE("a node that a table by name could not name is refused") {
  for (const char* name : {"by", "report", "default"}) {
    GraphBuilder builder(4);
    const NodeId first = builder.call_module("a", std::make_shared<Linear>(4, 4), {builder.input()});
    Graph graph = builder.finish(builder.call_module(name, std::make_shared<Linear>(4, 4), {first}));
    graph.initialize(1);
    CHECK_THROWS_WITH(quantize_with(graph, {{"by", "type"}, {"linear", table(integer_config(8, 4))}}),
                      Contains(fmt::format("node '{}'", name)) && Contains("another"));
    CHECK(width_of(graph, "a") == 32);
    quantize_with(graph, {{"by", "name"}, {"a", table(integer_config(8, 4))}});
    CHECK(width_of(graph, name) == 32);
  }
}

TEST_CASE("a quantized graph can be quantized anew, functions too") {
  for (bool branches : {false, true}) {
    const auto network = [&] { return branches ? branching_network(6, 2) : small_network(6, 7, 5, 2); };
    Graph again = network(), fresh = network();
    quantize_all(again, integer_config(4, 1));
    const std::vector<float> coarse = outputs(again, 40);
    quantize_all(again, integer_config(9, 5));
    quantize_all(fresh, integer_config(9, 5));
    CHECK(outputs(again, 40) == outputs(fresh, 40));
    CHECK(outputs(again, 40) != coarse);
  }
}

TEST_CASE("quantization_of gives a configuration that quantizes a float graph the same way") {
  Graph graph = branching_network(6, 2), copy = branching_network(6, 2);
  quantize_with(graph, {{"by", "type"},
                        {"default", table(integer_config(7, 3))},
                        {"linear", table(integer_config(9, 4))},
                        {"sub", table(kNothing)}});
  quantize_with(copy, quantization_of(graph));
  CHECK(outputs(copy, 20) == outputs(graph, 20));
  CHECK(quantization_of(copy) == quantization_of(graph));
}

TEST_CASE("weights stay float, and are seen through their quantizers") {
  Graph graph = tiny();
  const Matrix weight = graph.find_module("seq_blocks.2")->parameters()[0].value;
  const std::vector<float> before(weight.data, weight.data + 80);
  quantize_with(graph, {{"by", "type"}, {"linear", table(integer_config(8, 4))}});
  const Matrix after = graph.find_module("seq_blocks.2")->parameters()[0].value;
  CHECK(std::vector<float>(after.data, after.data + 80) == before);
  const std::vector<QuantizedTensor> tensors = quantized_tensors(graph);
  REQUIRE(tensors.size() == 2);
  CHECK(tensors[0].name == "seq_blocks.2.weight");
  CHECK(tensors[0].format() == "fixed<8,4,RND_CONV,SAT>");
  for (std::size_t i = 0; i < 80; ++i) {
    CHECK(tensors[0].quantized[i] * 16 == std::nearbyint(tensors[0].values[i] * 16));
    CHECK(tensors[0].quantized[i] * 16 == static_cast<float>(tensors[0].raw()[i]));
  }
}

TEST_CASE("metadata gets type and precision of what was quantized") {
  Graph graph = tiny();
  run(graph_passes(), "init_metadata", graph);
  run(graph_passes(), "add_common_metadata", graph);
  const auto common = [&](std::string_view node) -> const MetaValue& {
    return graph.nodes[static_cast<std::size_t>(find_node(graph, node))].meta.common;
  };
  const MetaValue before = common("seq_blocks_2"), relu = common("seq_blocks_3");
  CHECK(before["args"]["weight"]["type"] == "float");
  MetaValue config = integer_config(8, 4);
  config["weight_width"] = 6;
  config["weight_frac_width"] = 5;
  quantize_with(graph, {{"by", "type"}, {"linear", table(config)}});
  const MetaValue& args = common("seq_blocks_2")["args"];
  for (const char* argument : {"data_in_0", "weight", "bias"}) CHECK(args[argument]["type"] == "integer");
  CHECK(args["data_in_0"]["precision"] == MetaValue::array({8, 4}));
  CHECK(args["weight"]["precision"] == MetaValue::array({6, 5}));
  CHECK(args["weight"]["shape"] == before["args"]["weight"]["shape"]);
  CHECK(common("seq_blocks_2")["results"] == before["results"]);
  CHECK(common("seq_blocks_3") == relu);
  config["data_out_width"] = 9;
  config["data_out_frac_width"] = 3;
  quantize_with(graph, {{"by", "type"}, {"linear", table(config)}});
  CHECK(common("seq_blocks_2")["results"]["data_out_0"]["precision"] == MetaValue::array({9, 3}));
  CHECK(common("seq_blocks_2")["results"]["data_out_0"]["type"] == "integer");
  const auto types = [](const MetaValue& entries) {
    MetaValue found;
    for (const auto& [tensor, entry] : entries.items()) found[tensor] = {entry["type"], entry["precision"]};
    return found;
  };
  const MetaValue quantized = common("seq_blocks_2");
  run(graph_passes(), "add_common_metadata", graph);  // finds the same types, and new values
  CHECK(types(common("seq_blocks_2")["args"]) == types(quantized["args"]));
  CHECK(types(common("seq_blocks_2")["results"]) == types(quantized["results"]));
  CHECK(types(common("seq_blocks_3")["args"]) == types(relu["args"]));
}

TEST_CASE("every format makes a network of its layers") {
  const auto [name, suffix, options] = GENERATE(table<const char*, const char*, MetaValue>({
      {"integer", "Integer", {{"width", 8}, {"frac_width", 4}}},
      {"fixed", "Integer", {{"width", 8}, {"frac_width", nullptr}}},
      {"binary", "Binary", {{"width", 1}, {"stochastic", false}, {"bipolar", true}}},
      {"ternary",
       "Ternary",
       {{"width", 2}, {"scaling_factor", true}, {"mean", nullptr}, {"median", nullptr}, {"max", nullptr}}},
      {"minifloat_ieee", "MinifloatIEEE", {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", 7}}},
      {"minifloat_denorm", "MinifloatDenorm", {{"width", 8}, {"exponent_width", 4}, {"exponent_bias", 7}}},
      {"log", "Log", {{"width", 8}, {"exponent_bias", nullptr}}},
      {"block_fp",
       "BlockFP",
       {{"width", 8}, {"exponent_width", 8}, {"exponent_bias", 127}, {"block_size", {16}}}},
      {"block_minifloat",
       "BlockMinifloat",
       {{"width", 8}, {"exponent_width", 4}, {"exponent_bias_width", 4}, {"block_size", {1, 4}}}},
      {"block_log", "BlockLog", {{"width", 8}, {"exponent_bias_width", 4}, {"block_size", {-1}}}},
  }));
  CAPTURE(name);
  for (bool branches : {false, true}) {
    Graph graph = branches ? branching_network(6, 2) : small_network(6, 7, 5, 2);
    const std::vector<float> exact = outputs(graph, 30);
    MetaValue config = {{"name", name}};
    for (const char* tensor : {"data_in", "weight", "bias"})
      for (const auto& [key, value] : options.items()) config[std::string(tensor) + "_" + key] = value;
    quantize_all(graph, config);
    for (const Node& node : graph.nodes)
      if (node.kind == NodeKind::call_module) {
        REQUIRE(quantized_module(graph, node) != nullptr);
        CHECK_THAT(std::string(quantized_module(graph, node)->type()), Catch::EndsWith(suffix));
      }
    const std::vector<float> found = outputs(graph, 30);
    CHECK(found != exact);
    CHECK(std::ranges::all_of(found, [](float v) { return std::isfinite(v); }));
  }
}

TEST_CASE("the summary has MASE's tables for jsc-tiny and jsc-toy") {
  const auto [widths, batch_norms, linears, relus] =
      GENERATE(table<std::vector<Index>, const char*, const char*, const char*>(
          {{{5}, "1", "1", "2"}, {{8, 8, 5}, "4", "3", "4"}}));
  Graph graph = chain(widths);
  const PassResult result = quantize_with(
      graph, {{"by", "type"}, {"default", table(kNothing)}, {"linear", table(integer_config(8, 4))}});
  const PassResult later = run(quant_passes(), "summarize_quantization", graph);
  for (const char* name : {"quantize_table", "quantize_histogram", "quantize_formats"})
    CHECK(table_named(later.tables, name).rows == table_named(result.tables, name).rows);
  const ReportTable histogram = table_named(result.tables, "quantize_histogram");
  CHECK(histogram.titles == std::vector<std::string>{"Original type", "OP", "Total", "Changed", "Unchanged"});
  CHECK(histogram.rows == Rows{{"BatchNorm1d", "batch_norm1d", batch_norms, "0", batch_norms},
                               {"Linear", "linear", linears, linears, "0"},
                               {"ReLU", "relu", relus, "0", relus},
                               {"output", "output", "1", "0", "1"},
                               {"x", "placeholder", "1", "0", "1"}});
  const ReportTable nodes = table_named(result.tables, "quantize_table");
  CHECK(nodes.titles == std::vector<std::string>{"", "Ori name", "New name", "MASE_TYPE", "Mase_OP",
                                                 "Original type", "Quantized type", "Changed"});
  CHECK(nodes.rows[0] ==
        std::vector<std::string>{"0", "x", "x", "placeholder", "placeholder", "x", "x", "False"});
  CHECK(nodes.rows[3] == std::vector<std::string>{"3", "seq_blocks_2", "seq_blocks_2", "module_related_func",
                                                  "linear", "Linear", "LinearInteger", "True"});
  CHECK(table_named(result.tables, "quantize_formats").rows.size() == 2 * widths.size());
}

TEST_CASE("other widths are a change, the same widths are none, a function that became a layer is one") {
  Graph before = branching_network(6, 2), after = branching_network(6, 2);
  const auto changed = [&] {
    std::vector<std::string> column;
    const ReportTable nodes = table_named(compare_nodes(summarize_nodes(before), after), "quantize_table");
    for (const auto& row : nodes.rows) column.push_back(row.back());
    return column;
  };
  quantize_with(after, {{"by", "type"}, {"sub", table(integer_config(8, 4))}});
  CHECK(changed()[4] == "True");
  quantize_all(before, integer_config(8, 4));
  quantize_all(after, integer_config(8, 4));
  CHECK(std::ranges::count(changed(), "True") == 0);
  quantize_with(after, {{"by", "type"}, {"linear", table(integer_config(8, 5))}});
  CHECK(std::ranges::count(changed(), "True") == 3);
  CHECK_THROWS_WITH(compare_nodes(summarize_nodes(tiny()), after), Contains("found 6 and 9 nodes"));
}

TEST_CASE("the summary says how much saturates") {
  Graph graph = tiny();
  Matrix weight = graph.find_module("seq_blocks.2")->parameters()[0].value;
  std::fill_n(weight.data, 80, 0.25F);
  for (int i : {0, 1, 2, 3}) weight.data[i] = -2.0F;
  const PassResult result = quantize_with(graph, {{"by", "type"}, {"linear", table(integer_config(8, 8))}});
  const ReportTable formats = table_named(result.tables, "quantize_formats");
  CHECK(formats.rows[0] == std::vector<std::string>{"seq_blocks.2.weight", "fixed<8,0,RND_CONV,SAT>", "-0.5",
                                                    "0.25", "2", "256", "5.00 %", "1.5"});
}

TEST_CASE("average widths count bits, not bits and fraction") {
  Graph graph = tiny();
  CHECK(run(quant_passes(), "calculate_avg_bits", graph).info["w_avg_bit"] == 32.0);
  quantize_with(graph, {{"by", "type"}, {"linear", table(integer_config(8, 4))}});
  PassResult result = run(quant_passes(), "calculate_avg_bits", graph);
  CHECK(result.info["w_avg_bit"] == (80 * 8 + 16 * 32) / 96.0);
  CHECK(result.info["data_avg_bit"] == (16 * 8 + 16 * 32) / 32.0);
  quantize_all(graph, integer_config(8, 4));
  result = run(quant_passes(), "calculate_avg_bits", graph);
  CHECK(result.info["w_avg_bit"] == 8.0);
  CHECK(result.info["data_avg_bit"] == 8.0);
}

namespace {

// Linear, BatchNorm1d and, if wanted, a reader of the Linear's result beside it.
Graph linear_and_norm(bool bias, bool affine, bool second_reader) {
  GraphBuilder builder(6);
  const NodeId linear = builder.call_module("fc", std::make_shared<Linear>(6, 5, bias), {builder.input()});
  NodeId node = builder.call_module("bn", std::make_shared<BatchNorm1d>(5, 1e-3, 0.1, affine), {linear});
  if (second_reader) node = builder.call_function("add", {node, linear});
  Graph graph = builder.finish(node);
  graph.initialize(6);
  Module& norm = *graph.find_module("bn");
  for (std::size_t f = 0; f < 5; ++f) {
    const auto k = static_cast<float>(f);
    std::get<std::vector<float>>(norm.buffers()[0].value)[f] = 0.3F * k - 0.7F;
    std::get<std::vector<float>>(norm.buffers()[1].value)[f] = 0.1F + 0.5F * k;
    if (affine) {
      norm.parameters()[0].value.data[f] = 1.7F - 0.6F * k;
      norm.parameters()[1].value.data[f] = 0.2F * k - 0.1F;
    }
  }
  return graph;
}

}  // namespace

TEST_CASE("a folded batch normalization computes the same, within float32's rounding") {
  const bool bias = GENERATE(true, false), affine = GENERATE(true, false);
  CAPTURE(bias, affine);
  const Graph original = linear_and_norm(bias, affine, false);
  Graph graph = linear_and_norm(bias, affine, false);
  const PassResult result = run(quant_passes(), "fold_batch_norm", graph);
  CHECK(result.changed == std::vector<std::string>{"fc"});
  CHECK(graph.nodes.size() == 3);
  CHECK(graph.find_module("bn") == nullptr);
  constexpr Index kSamples = 50;
  Tensor x(6, kSamples);
  NormalSamples(6, kSamples, 8).fill(0, x.view());
  const std::vector<float> before = outputs(original, kSamples), after = outputs(graph, kSamples);
  const Module &fc = *original.find_module("fc"), &bn = *original.find_module("bn");
  for (Index o = 0; o < 5; ++o)
    for (Index i = 0; i < kSamples; ++i) {
      const auto f = static_cast<std::size_t>(o);
      const double mean = std::get<std::vector<float>>(bn.buffers()[0].value)[f];
      const double variance = std::get<std::vector<float>>(bn.buffers()[1].value)[f];
      const double w = affine ? bn.parameters()[0].value.data[o] : 1.0;
      const double b = affine ? bn.parameters()[1].value.data[o] : 0.0;
      const double alpha = w / std::sqrt(variance + static_cast<double>(1e-3F));
      double y = b - mean * alpha, magnitude = std::fabs(b) + std::fabs(mean * alpha);
      const auto add = [&](double term) {
        y += alpha * term;
        magnitude += std::fabs(alpha * term);
      };
      for (Index k = 0; k < 6; ++k) add(static_cast<double>(fc.parameters()[0].value(o, k)) * x(k, i));
      if (bias) add(fc.parameters()[1].value.data[o]);
      // Each term is rounded once a product and once a sum of 8 terms; alpha four times, W' and b' once.
      const double tolerance = (1 + 8 + 4 + 1) * 0x1p-24 * magnitude;
      const std::size_t at = f * kSamples + static_cast<std::size_t>(i);
      CAPTURE(o, i, y, before[at], after[at], tolerance);
      CHECK(std::fabs(before[at] - y) <= tolerance);
      CHECK(std::fabs(after[at] - y) <= tolerance);
    }
}

TEST_CASE("folded for training, evaluation is to the bit that of the folded weights") {
  const bool bias = GENERATE(true, false), affine = GENERATE(true, false);
  CAPTURE(bias, affine);
  Graph constant = linear_and_norm(bias, affine, false), graph = linear_and_norm(bias, affine, false);
  const Index parameters = graph.parameter_count();
  run(quant_passes(), "fold_batch_norm", constant);
  const PassResult result = run(quant_passes(), "fold_batch_norm", graph, {{"train", true}});
  CHECK(result.changed == std::vector<std::string>{"fc"});
  CHECK(graph.find_module("fc")->type() == "LinearBatchNorm1d");
  CHECK(graph.parameter_count() == parameters);
  constexpr Index kSamples = 50;
  CHECK(outputs(graph, kSamples) == outputs(constant, kSamples));
}

TEST_CASE("folded for training, a step of training leaves the statistics that the two layers would") {
  const bool bias = GENERATE(true, false);
  Graph apart = linear_and_norm(bias, true, false), graph = linear_and_norm(bias, true, false);
  run(quant_passes(), "fold_batch_norm", graph, {{"train", true}});
  for (const Graph* each : {&apart, &graph}) {
    Tape tape;
    const Recording recording = record(*each, tape, 40, Mode::train);
    NormalSamples(6, 40, 8).fill(0, tape.value(recording.input));
    tape.forward();
  }
  const std::vector<Buffer>&before = apart.find_module("bn")->buffers(),
        &after = graph.find_module("fc")->buffers();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(before[i].value == after[i].value);
}

TEST_CASE("a batch normalization is not folded where somebody else needs the linear layer") {
  const auto refuses = [](Graph graph) {
    const std::size_t nodes = graph.nodes.size();
    const PassResult result = run(quant_passes(), "fold_batch_norm", graph);
    CHECK(result.changed.empty());
    CHECK(graph.nodes.size() == nodes);
    CHECK_THAT(result.text, Contains("no batch normalization follows a linear layer alone"));
  };
  refuses(linear_and_norm(true, true, true));
  refuses(tiny());  // the normalization comes first
  Graph quantized_linear = linear_and_norm(true, true, false);
  quantize_with(quantized_linear, {{"by", "type"}, {"linear", table(integer_config(8, 4))}});
  CHECK_THROWS_WITH(run(quant_passes(), "fold_batch_norm", quantized_linear),
                    Contains("node 'fc' is quantized already: fold before quantize"));
  CHECK(quantized_linear.nodes.size() == 4);
  GraphBuilder builder(4);
  const auto fc = std::make_shared<Linear>(4, 4);
  const NodeId first = builder.call_module("fc", fc, {builder.input()});
  const NodeId second = builder.call_module("fc", fc, {first});
  refuses(builder.finish(builder.call_module("bn", std::make_shared<BatchNorm1d>(4), {second})));
}

TEST_CASE("all that can be folded is folded, one after the other") {
  Graph graph = chain({8, 8, 5});
  const std::vector<float> before = outputs(graph, 20);
  const PassResult result = run(quant_passes(), "fold_batch_norm", graph);
  CHECK(result.changed == std::vector<std::string>{"seq_blocks_2", "seq_blocks_5", "seq_blocks_8"});
  const std::vector<float> after = outputs(graph, 20);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] == Approx(before[i]).margin(1e-5));
}

TEST_CASE("normalizations that stand side by side are all folded") {
  GraphBuilder builder(4);
  const NodeId a = builder.call_module("a", std::make_shared<Linear>(4, 4), {builder.input()});
  const NodeId b = builder.call_module("b", std::make_shared<Linear>(4, 4), {builder.input()});
  const NodeId norm_a = builder.call_module("norm_a", std::make_shared<BatchNorm1d>(4), {a});
  const NodeId norm_b = builder.call_module("norm_b", std::make_shared<BatchNorm1d>(4), {b});
  Graph graph = builder.finish(builder.call_function("add", {norm_a, norm_b}));
  CHECK(run(quant_passes(), "fold_batch_norm", graph).changed == std::vector<std::string>{"a", "b"});
  CHECK(graph.nodes.size() == 5);
}

TEST_CASE("widths whose sums nothing could hold are refused when they are given") {
  Graph graph = small_network(16, 12, 5, 5);
  CHECK_THROWS_WITH(quantize_all(graph, integer_config(48, 20)),
                    Contains("node 'seq_blocks_0'") && Contains("expected at most 61"));
  Graph branching = branching_network(7, 6);
  MetaValue config = integer_config(20, 4);
  config["data_in_width"] = 32;
  config["data_in_signed"] = true;
  CHECK_THROWS_WITH(quantize_all(branching, config), Contains("mul of two numbers of 32 bits"));
  GraphBuilder builder(4);
  Graph relu = builder.finish(builder.call_function("relu", {builder.input()}));
  config["data_in_width"] = 25;
  CHECK_THROWS_WITH(quantize_all(relu, config),
                    "quantize, node 'relu': expected at most 24 bits of a signed data_in of relu, found 25");
  config["data_in_width"] = 24;
  quantize_all(relu, config);
}
