// A quantized matmul: its configuration, and that it is in everything the linear layer of the turned weight,
// which has oracles of its own.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/builder.hpp"
#include "graph/edit.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "ops/mse.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/lower.hpp"
#include "quant/mutate.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantized_tensors.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

Graph network() {
  return matmul_network(16, 12, 5, 5);
}

// The same network of Linear layers without a bias.
Graph linear_twin() {
  GraphBuilder builder(16);
  NodeId h = builder.call_module("seq_blocks.0", std::make_shared<BatchNorm1d>(16), {builder.input()});
  h = builder.call_module("matmul", std::make_shared<Linear>(16, 12, false), {h});
  h = builder.call_module("seq_blocks.2", std::make_shared<ReLU>(), {h});
  Graph twin = builder.finish(builder.call_module("matmul_1", std::make_shared<Linear>(12, 5, false), {h}));
  const Graph original = network();
  for (const auto& [path, module] : original.modules)
    for (const Parameter& from : module->parameters()) {
      const bool turned = path == "seq_blocks.1" || path == "seq_blocks.3";
      const std::string to_path = path == "seq_blocks.1"   ? "matmul"
                                  : path == "seq_blocks.3" ? "matmul_1"
                                                           : path;
      for (Parameter& to : twin.find_module(to_path)->parameters())
        if (to.name == from.name)
          for (Index r = 0; r < to.value.rows; ++r)
            for (Index c = 0; c < to.value.cols; ++c)
              to.value(r, c) = turned ? from.value(c, r) : from.value(r, c);
    }
  for (std::size_t b = 0; b < 3; ++b)
    twin.find_module("seq_blocks.0")->buffers()[b].value =
        original.find_module("seq_blocks.0")->buffers()[b].value;
  return twin;
}

PassResult run(std::string_view name, Graph& graph, const MetaValue& options = MetaValue::object()) {
  static const NormalSamples samples(16, 700, 3);
  PassArguments arguments;
  arguments.options = options;
  arguments.input = &samples;
  for (const auto& passes : {graph_passes(), quant_passes()})
    for (const Pass& pass : passes)
      if (pass.name == name) return run_pass(pass, graph, arguments);
  throw std::logic_error("no such pass");
}

MetaValue table(const MetaValue& config) {
  return {{"config", config}};
}

const NodeQuantization* quantization(const Graph& graph, std::string_view node) {
  const QuantizedModule* module =
      quantized_module(graph, graph.nodes[static_cast<std::size_t>(find_node(graph, node))]);
  return module == nullptr ? nullptr : &module->quantization();
}

std::string weight_format(const Graph& graph, std::string_view node) {
  return fixed::to_string(*quantization(graph, node)->weight->fixed_format());
}

std::vector<float> outputs(const Graph& graph) {
  Tape tape(Execution{detected_isa(), 1, false}, Tape::Gradients::none);
  const Recording recording = record(graph, tape, 90, Mode::evaluate);
  NormalSamples(16, 90, 8).fill(0, tape.value(recording.input));
  tape.forward();
  const Matrix y = tape.value(recording.output);
  std::vector<float> values;
  for (Index r = 0; r < y.rows; ++r) values.insert(values.end(), y.row(r), y.row(r) + y.cols);
  return values;
}

std::int64_t mismatches(const Graph& graph, const IntegerProgram& program) {
  return verify_program(graph, program, NormalSamples(16, 1200, 7), {}).mismatches;
}

MetaValue with(MetaValue config, const MetaValue& more) {
  for (const auto& [key, value] : more.items()) config[key] = value;
  return config;
}

}  // namespace

TEST_CASE("a matmul is quantized by type, name and regular expression") {
  const MetaValue config = with(integer_config(8, 4), {{"weight_width", 6}, {"weight_frac_width", 5}});
  for (const MetaValue& options :
       {MetaValue{{"by", "type"}, {"matmul", table(config)}},
        MetaValue{{"by", "name"}, {"matmul", table(config)}, {"matmul_1", table(config)}},
        MetaValue{{"by", "regex_name"}, {"matmul.*", table(config)}}}) {
    CAPTURE(options.dump());
    Graph graph = network();
    const PassResult result = run("quantize", graph, options);
    CHECK(result.changed == std::vector<std::string>{"matmul", "matmul_1"});
    CHECK_THAT(result.text, Contains("2 of 8 nodes quantized"));
    CHECK(quantization(graph, "seq_blocks_0") == nullptr);
    const NodeQuantization* found = quantization(graph, "matmul_1");
    REQUIRE(found != nullptr);
    CHECK(found->data_in->width() == 8);
    CHECK(found->weight->width() == 6);
    CHECK(found->bias == nullptr);
    const Node& node = graph.nodes[static_cast<std::size_t>(find_node(graph, "matmul"))];
    CHECK(quantized_module(graph, node)->type() == "MatmulInteger");
    CHECK(quantized_module(graph, node)->describe() ==
          "MatmulInteger(data_in=integer[8, 4], weight=integer[6, 5])");
    CHECK_NOTHROW(verify(graph));
  }
  Graph one = network();
  run("quantize", one, {{"by", "name"}, {"matmul_1", table(config)}});
  CHECK(quantization(one, "matmul") == nullptr);
  CHECK(quantization(one, "matmul_1") != nullptr);
  CHECK_THROWS_WITH(lower(one), Contains("node 'seq_blocks_0'"));
  run("quantize", one, {{"by", "type"}, {"batch_norm1d", table(config)}});
  CHECK_THROWS_WITH(lower(one), Contains("node 'matmul' (matmul) is not quantized"));
}

TEST_CASE("mistakes in a matmul's configuration are named") {
  const auto fails = [](const MetaValue& config, const char* a, const char* b) {
    Graph graph = network();
    CHECK_THROWS_WITH(run("quantize", graph, {{"by", "type"}, {"matmul", table(config)}}),
                      Contains(a) && Contains(b));
    CHECK(quantization(graph, "matmul") == nullptr);
  };
  fails(with(integer_config(8, 4), {{"wieght_width", 8}}),
        "node 'matmul', [matmul]: unknown key 'wieght_width'", "did you mean 'weight_width'");
  MetaValue config = integer_config(8, 4);
  config.erase("weight_width");
  fails(config, "node 'matmul'", "integer needs the key 'weight_width'");
  fails(integer_config(48, 20), "node 'matmul'", "48 and 48 bits");
  config = integer_config(8, 4);
  for (const char* key : {"bias_width", "bias_frac_width"}) config.erase(key);
  Graph graph = network();
  CHECK_NOTHROW(run("quantize", graph, {{"by", "type"}, {"matmul", table(config)}}));  // it has no bias
}

TEST_CASE("a quantized matmul is to the bit the quantized linear layer of the turned weight") {
  const MetaValue options =
      GENERATE(values<MetaValue>({{{"weight_width", 6}, {"weight_frac_width", 5}},
                                  {{"data_out_width", 7}, {"data_out_frac_width", 3}},
                                  {{"accum", "fixed<16,6>"}},
                                  {{"accum", "fixed<10,4,RND_CONV,SAT_SYM>"}},
                                  {{"ranges", "learned"}},
                                  {{"weight_rounding", "TRN"}, {"data_in_overflow", "WRAP"}}}));
  const auto [width, fraction] = GENERATE(table<int, int>({{8, 4}, {16, 10}, {28, 16}}));
  CAPTURE(options.dump(), width);
  Graph graph = network(), twin = linear_twin();
  REQUIRE(outputs(graph) == outputs(twin));
  const MetaValue config = with(integer_config(width, fraction), options);
  quantize_all(graph, config);
  quantize_all(twin, config);
  CHECK(outputs(graph) == outputs(twin));
  const IntegerProgram program = lower(graph);
  CHECK(program == lower(twin));
  REQUIRE(program.steps.size() == (options.contains("data_out_width") ? 10 : 6));
  CHECK(mismatches(graph, program) == 0);
}

TEST_CASE("formats of blocks see a matmul's weight as it stands") {
  MetaValue config = {{"name", "block_fp"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = 6;
    config[std::string(tensor) + "_exponent_width"] = 8;
    config[std::string(tensor) + "_exponent_bias"] = 127;
    config[std::string(tensor) + "_block_size"] = {16};
  }
  config["weight_block_size"] = {4, 1};
  Graph graph = network(), twin = linear_twin();
  run("quantize", graph, {{"by", "type"}, {"matmul", table(config)}});
  run("quantize", twin, {{"by", "type"}, {"linear", table(config)}});
  CHECK(outputs(graph) != outputs(twin));
  config["weight_block_size"] = {1, 4};  // its tiles, turned
  run("quantize", twin, {{"by", "type"}, {"linear", table(config)}});
  CHECK(outputs(graph) == outputs(twin));
}

TEST_CASE("a matmul's faults are found, or change no value") {
  const bool accumulator = GENERATE(false, true);
  Graph graph = network();
  MetaValue config = integer_config(8, 4);
  if (accumulator) config["accum"] = "fixed<14,6>";
  quantize_all(graph, config);
  const IntegerProgram program = lower(graph);
  REQUIRE(mismatches(graph, program) == 0);
  int caught = 0, in_matmul = 0, swapped = 0;
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Mutant mutant = plant_fault(program, 1, number);
    CHECK(mutant.program != program);
    const bool found = mismatches(graph, mutant.program) > 0;
    caught += found ? 1 : 0;
    const bool of_matmul = mutant.fault.find("matmul") != std::string::npos;
    in_matmul += found && of_matmul ? 1 : 0;
    swapped += found && of_matmul && mutant.fault.find("swapped") != std::string::npos ? 1 : 0;
  }
  CHECK(caught > 20);
  CHECK(in_matmul > 10);
  CHECK(swapped > 0);
}

TEST_CASE("a matmul's quantized weight is shown as it stands") {
  Graph graph = network();
  quantize_all(graph, integer_config(8, 4));
  const Parameter& weight =
      *graph.parameter_of(graph.nodes[static_cast<std::size_t>(find_node(graph, "seq_blocks_3_weight"))]);
  int seen = 0;
  for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
    if (tensor.name != "matmul_1.weight") continue;
    ++seen;
    CHECK(tensor.shape == std::vector<Index>{12, 5});
    CHECK(tensor.format() == "fixed<8,4,RND_CONV,SAT>");
    for (Index i = 0; i < weight.value.size(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      CHECK(tensor.values[k] == weight.value.data[i]);
      CHECK(static_cast<double>(tensor.raw()[k]) == std::nearbyint(weight.value.data[i] * 16.0));
    }
  }
  CHECK(seen == 1);
  const PassResult summary = run("summarize_quantization", graph);
  const std::vector<std::vector<std::string>>& rows = summary.tables[0].rows;
  CHECK(rows[3] == std::vector<std::string>{"3", "matmul", "matmul", "builtin_func", "matmul", "matmul",
                                            "MatmulInteger", "True"});
  CHECK(rows[2] == std::vector<std::string>{"2", "seq_blocks_1_weight", "seq_blocks_1_weight",
                                            "implicit_func", "constant", "Parameter", "Parameter", "False"});
  CHECK(run("calculate_avg_bits", graph).info["w_avg_bit"] == 8);
}

TEST_CASE("a matmul's metadata say what each operand is seen through") {
  for (bool before : {false, true}) {
    Graph graph = network();
    run("init_metadata", graph);
    if (before) run("add_common_metadata", graph);
    quantize_all(graph, with(integer_config(8, 4), {{"weight_width", 6}, {"weight_frac_width", 5}}));
    if (!before) run("add_common_metadata", graph);
    const MetaValue& common = graph.nodes[static_cast<std::size_t>(find_node(graph, "matmul"))].meta.common;
    CHECK(common["mase_type"] == "builtin_func");
    CHECK(common["args"]["data_in_0"]["precision"] == MetaValue::array({8, 4}));
    CHECK(common["args"]["data_in_1"]["precision"] == MetaValue::array({6, 5}));
    CHECK(common["args"]["data_in_1"]["type"] == "integer");
    CHECK_NOTHROW(run("verify_common_metadata", graph));
    CHECK(run("count_operations", graph).info["nodes"]["matmul"]["bitops"] == 16 * 12 * 8 * 6);
    // The batch normalization has 2 x 16 parameters of 6 and 8 bits.
    CHECK(run("memory_footprint", graph).info["parameter_bytes"] ==
          (6 * (16 + 16 * 12 + 12 * 5) + 8 * 16) / 8.0);
  }
}

TEST_CASE("a matmul is calibrated, operand by operand, as linear is") {
  for (const char* method : {"min_max", "quantile", "mse"}) {
    Graph graph = network(), twin = linear_twin();
    for (Graph* each : {&graph, &twin}) {
      quantize_all(*each, integer_config(8, 0));
      run("calibrate", *each, {{"method", method}, {"num_samples", 700}});
    }
    CHECK(weight_format(graph, "matmul") != "fixed<8,8,RND_CONV,SAT>");
    CHECK(quantization_of(graph)["matmul_1"] == quantization_of(twin)["matmul_1"]);
    CHECK((outputs(graph) == outputs(twin)));
    // What ReLU yields needs no sign, and the weight has one.
    CHECK_FALSE(quantization(graph, "matmul_1")->data_in->fixed_format()->is_signed);
    CHECK(quantization(graph, "matmul_1")->weight->fixed_format()->is_signed);
    CHECK(mismatches(graph, lower(graph)) == 0);
  }
}

TEST_CASE("a matmul's learned ranges move, and what is in force is lowered and kept") {
  Graph graph = network();
  quantize_all(graph, with(integer_config(8, 4), {{"ranges", "learned"}}));
  for (Parameter& p : graph.find_module("matmul")->parameters()) {
    CHECK((p.name == "data_in_log2_t" || p.name == "weight_log2_t"));
    if (p.name == "weight_log2_t") p.value.data[0] = -0.2F;
  }
  CHECK(weight_format(graph, "matmul") == "fixed<8,1,RND_CONV,SAT>");
  CHECK(mismatches(graph, lower(graph)) == 0);
  Graph again = network();
  run("quantize", again, quantization_of(graph));
  CHECK(lower(again) == lower(graph));
}

TEST_CASE("training moves a quantized matmul's weight and thresholds") {
  Graph graph = network();
  quantize_all(graph, with(integer_config(4, 2), {{"ranges", "learned"}}));
  Tape tape;
  const Recording recording = record(graph, tape, 64, Mode::train);
  NormalSamples(16, 64, 2).fill(0, tape.value(recording.input));
  const Variable loss = mse(tape, recording.output, tape.input(5, 64));
  tape.forward();
  tape.backward(loss);
  for (const char* path : {"seq_blocks.1", "seq_blocks.3", "matmul", "matmul_1"})
    for (const Parameter& p : graph.find_module(path)->parameters()) {
      CAPTURE(path, p.name);
      CHECK(
          std::any_of(p.gradient.data, p.gradient.data + p.gradient.size(), [](float d) { return d != 0; }));
    }
}

TEST_CASE("a layer may be called like the function") {
  GraphBuilder builder(16);
  const NodeId w = builder.get_attr("matmul", std::make_shared<Weight>(16, 5));
  Graph graph = builder.finish(builder.call_function("matmul", {builder.input(), w}));
  graph.initialize(1);
  quantize_all(graph, integer_config(8, 4));
  CHECK(graph.nodes[2].name == "matmul");
  CHECK(graph.nodes[2].target == "matmul.matmul");
  CHECK(mismatches(graph, lower(graph)) == 0);
}
