// Formats that training moves: the gradient of a threshold, the format that it puts in force, and that what
// is in force is what is computed, annotated, lowered and verified. And stochastic formats, which draw.
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "graph/builder.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "ops/mse.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/lower.hpp"
#include "quant/learned_range.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"
#include "quant/quantizer/binary.hpp"
#include "quant/quantizer/integer.hpp"
#include "quant/verify.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

MetaValue learned(int width, int fraction) {
  MetaValue config = integer_config(width, fraction);
  config["ranges"] = "learned";
  return config;
}

Parameter& parameter(Graph& graph, const char* path, std::string_view name) {
  for (Parameter& p : graph.find_module(path)->parameters())
    if (p.name == name) return p;
  throw std::logic_error("no such parameter");
}

std::string format_of(const Graph& graph, const char* path, QuantizerPointer NodeQuantization::*tensor) {
  const auto& module = dynamic_cast<const QuantizedModule&>(*graph.find_module(path));
  return fixed::to_string(*(module.quantization().*tensor)->fixed_format());
}

std::int64_t mismatches(const Graph& graph) {
  const NormalSamples samples(16, 700, 3);
  return verify_program(graph, lower(graph), samples, {}).mismatches;
}

}  // namespace

TEST_CASE("the format of a threshold reaches to the next power of two") {
  const fixed::Format format = fixed::parse_format("fixed<8,4,RND_CONV,SAT>");
  const auto at = [&](float log2_t) { return fixed::to_string(format_at_threshold(format, log2_t)); };
  CHECK(at(3.0F) == "fixed<8,4,RND_CONV,SAT>");  // up to 8
  CHECK(at(std::nextafter(3.0F, 4.0F)) == "fixed<8,5,RND_CONV,SAT>");
  CHECK(at(2.0F) == "fixed<8,3,RND_CONV,SAT>");
  CHECK(at(-2.5F) == "fixed<8,-1,RND_CONV,SAT>");
  CHECK(at(1e9F) == "fixed<8,72,RND_CONV,SAT>");
  CHECK(at(-1e9F) == "fixed<8,-56,RND_CONV,SAT>");
  for (const char* text : {"fixed<8,4,RND_CONV,SAT>", "ufixed<6,-3,TRN,SAT>", "fixed<1,9,RND,SAT>"}) {
    const fixed::Format f = fixed::parse_format(text);
    CHECK(format_at_threshold(f, threshold_of(f)) == f);
  }
}

TEST_CASE(
    "a threshold's gradient is that of the rounding where it rounds and of the limit where it saturates") {
  // numbers -2 .. 1.75 in quarters
  const FixedQuantizer quantizer(fixed::parse_format("fixed<4,2,RND_CONV,SAT>"));
  std::vector<float> x = {0.3F, -1.1F, 9.0F, -5.0F}, d_x(4);
  float log2_t = 0.5F, d_log2_t = 0;
  Tape tape;
  const Variable v = tape.parameter({x.data(), 1, 4, 4}, {d_x.data(), 1, 4, 4}, "x");
  FakeQuantization how{quantizer, TensorKind::bias};
  how.log2_threshold = tape.parameter({&log2_t, 1, 1, 1}, {&d_log2_t, 1, 1, 1}, "t");
  const Variable y = fake_quantize(tape, v, how, "y");
  const Variable target = tape.input(1, 4);
  std::fill_n(tape.value(target).data, 4, 0.0F);
  tape.forward();
  CHECK(tape.value(y)(0, 0) == 0.25F);
  CHECK(tape.value(y)(0, 1) == -1.0F);
  const Variable loss = mse(tape, y, target);
  tape.forward();
  tape.backward(loss);  // d_y = y / 2
  const double sum = 0.125 * (0.25 - 0.3F) + -0.5 * (-1.0 - -1.1F) + 0.875 * 1.75 + -1.0 * -2.0;
  CHECK(d_log2_t == Approx(std::numbers::ln2 * sum).epsilon(1e-6));
  CHECK(d_x == std::vector<float>{0.125F, -0.5F, 0, 0});
}

TEST_CASE("formats follow their thresholds, and what is in force is what is lowered") {
  Graph graph = small_network(16, 12, 5, 3);
  quantize_all(graph, learned(8, 4));
  CHECK(format_of(graph, "seq_blocks.2", &NodeQuantization::weight) == "fixed<8,4,RND_CONV,SAT>");
  CHECK(mismatches(graph) == 0);
  const std::uint64_t key = recording_key(graph);
  parameter(graph, "seq_blocks.2", "weight_log2_t").value.data[0] = -0.2F;
  parameter(graph, "seq_blocks.4", "data_in_log2_t").value.data[0] = 1.5F;
  parameter(graph, "seq_blocks.3", "bias_log2_t").value.data[0] = 0.9F;
  CHECK(recording_key(graph) != key);
  CHECK(format_of(graph, "seq_blocks.2", &NodeQuantization::weight) == "fixed<8,1,RND_CONV,SAT>");
  CHECK(format_of(graph, "seq_blocks.4", &NodeQuantization::data_in) == "ufixed<8,2,RND_CONV,SAT>");
  CHECK(quantization_of(graph)["seq_blocks_2"]["config"]["weight_frac_width"] == 7);
  CHECK(graph.find_module("seq_blocks.2")->number_type("weight").precision == MetaValue::array({8, 7}));
  CHECK(mismatches(graph) == 0);

  // Another graph of the configuration in force is the same network.
  Graph again = small_network(16, 12, 5, 3);
  PassArguments arguments;
  arguments.options = quantization_of(graph);
  run_pass(quant_passes()[0], again, arguments);
  CHECK(lower(again) == lower(graph));
  // Quantized anew, thresholds start where the new formats are.
  quantize_all(graph, learned(8, 4));
  CHECK(format_of(graph, "seq_blocks.2", &NodeQuantization::weight) == "fixed<8,4,RND_CONV,SAT>");
}

TEST_CASE("training widens a range in which numbers saturate, and narrows one that is too wide") {
  // y = w x toward 3 x: 2 bits of integer part are needed, the format starts with 1 or 9.
  const int start = GENERATE(1, 9);
  GraphBuilder builder(1);
  Graph graph =
      builder.finish(builder.call_module("fc", std::make_shared<Linear>(1, 1, false), {builder.input()}));
  MetaValue config = learned(8, 4);
  config["weight_frac_width"] = 8 - 1 - start;
  quantize_all(graph, config);
  parameter(graph, "fc", "weight").value.data[0] = 3.3F;
  float& log2_t = parameter(graph, "fc", "weight_log2_t").value.data[0];
  const float before = log2_t;
  for (int step = 0; step < 200; ++step) {
    Tape tape;
    const Recording recording = record(graph, tape, 16, Mode::train);
    const Variable target = tape.input(1, 16);
    for (Index i = 0; i < 16; ++i) {
      tape.value(recording.input)(0, i) = 0.25F * static_cast<float>(i - 8);
      tape.value(target)(0, i) = 3.3F * tape.value(recording.input)(0, i);
    }
    const Variable loss = mse(tape, recording.output, target);
    tape.forward();
    tape.backward(loss);
    log2_t -= 0.02F * std::copysign(1.0F, parameter(graph, "fc", "weight_log2_t").gradient.data[0]);
  }
  CAPTURE(start, before, log2_t);
  if (start == 1) {
    CHECK(log2_t > before);
    CHECK(format_of(graph, "fc", &NodeQuantization::weight) == "fixed<8,3,RND_CONV,SAT>");
  } else {
    CHECK(log2_t < before - 1.0F);
  }
}

TEST_CASE("learned ranges are for fixed point that saturates") {
  Graph graph = small_network(16, 12, 5, 3);
  MetaValue config = learned(8, 4);
  config["weight_overflow"] = "WRAP";
  CHECK_THROWS_WITH(quantize_all(graph, config), Contains("needs the overflow mode SAT, found WRAP"));
  config = {{"name", "log"}, {"ranges", "learned"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = 8;
    config[std::string(tensor) + "_exponent_bias"] = 63;
  }
  CHECK_THROWS_WITH(quantize_all(graph, config), Contains("is for fixed point, found the format 'log'"));
  config = integer_config(8, 4);
  config["ranges"] = "wide";
  CHECK_THROWS_WITH(quantize_all(graph, config), Contains("ranges should be one of fixed, learned"));
}

TEST_CASE("a network folded for training lowers to one dense step for each linear layer, and verifies") {
  const bool with_learned_ranges = GENERATE(false, true);
  Graph graph = small_network(16, 24, 5, 3);
  for (const Pass& pass : quant_passes())
    if (pass.name == "fold_batch_norm") {
      PassArguments arguments;
      arguments.options = {{"train", true}};
      CHECK(run_pass(pass, graph, arguments).changed == std::vector<std::string>{"seq_blocks_2"});
    }
  quantize_all(graph, with_learned_ranges ? learned(8, 5) : integer_config(8, 5));
  Tape tape;
  const Recording recording = record(graph, tape, 64, Mode::train);  // a step moves the statistics
  NormalSamples(16, 64, 5).fill(0, tape.value(recording.input));
  tape.forward();
  std::vector<Operation> sums;
  for (const IntegerStep& step : lower(graph).steps)
    if (step.operation != Operation::quantize && step.operation != Operation::relu)
      sums.push_back(step.operation);
  CHECK(sums == std::vector<Operation>{Operation::scale_shift, Operation::dense, Operation::dense});
  CHECK(mismatches(graph) == 0);
}

TEST_CASE("a stochastic binary number is 1 as often as its probability says, in training alone") {
  constexpr Index kCount = 20000;
  const BinaryQuantizer quantizer(true, true);
  std::vector<float> x(kCount), d(kCount);
  const float v = GENERATE(-1.5F, -1.0F, -0.5F, 0.0F, 0.4F, 1.0F, 3.0F);
  std::ranges::fill(x, v);
  Tape tape;
  const Variable in = tape.parameter({x.data(), 1, kCount, kCount}, {d.data(), 1, kCount, kCount}, "x");
  FakeQuantization how{quantizer, TensorKind::bias};
  how.random = RandomStream{7, 1};
  const Variable y = fake_quantize(tape, in, how, "y");
  how.random.reset();
  const Variable sign = fake_quantize(tape, in, how, "z");
  const auto draw = [&](std::uint64_t step) {
    tape.training_step = step;
    tape.forward();
    return std::vector<float>(tape.value(y).data, tape.value(y).data + kCount);
  };
  const std::vector<float> first = draw(1), second = draw(2);
  CHECK(draw(1) == first);
  const double p = std::clamp((static_cast<double>(v) + 1) / 2, 0.0, 1.0);
  const auto ones = static_cast<double>(std::ranges::count(first, 1.0F));
  CHECK(static_cast<double>(std::ranges::count(first, -1.0F)) == kCount - ones);
  CAPTURE(v, ones);
  CHECK(std::fabs(ones - kCount * p) <= 5 * std::sqrt(kCount * p * (1 - p)));  // five deviations
  CHECK((first == second) == (p == 0 || p == 1));
  for (Index i = 0; i < kCount; ++i) REQUIRE(tape.value(sign).data[i] == (v >= 0 ? 1.0F : -1.0F));
}

TEST_CASE(
    "a stochastic layer draws in training by step and seed, decides in evaluation, and is not lowered") {
  Graph graph = small_network(16, 12, 5, 3);
  MetaValue config = {{"name", "binary"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = tensor == std::string_view("weight") ? 1 : 32;
    config[std::string(tensor) + "_stochastic"] = tensor == std::string_view("weight");
    config[std::string(tensor) + "_bipolar"] = true;
  }
  PassArguments arguments;
  arguments.options = {{"by", "type"}, {"linear", {{"config", config}}}};
  run_pass(quant_passes()[0], graph, arguments);
  const auto output = [&](Mode mode, std::uint64_t seed, std::uint64_t step) {
    Tape tape;
    const Recording recording = record(graph, tape, 32, mode, {.seed = seed});
    NormalSamples(16, 32, 5).fill(0, tape.value(recording.input));
    tape.training_step = step;
    tape.forward();
    const Matrix y = tape.value(recording.output);
    return std::vector<float>(y.data, y.data + y.rows * y.stride);
  };
  const std::vector<float> one = output(Mode::train, 1, 0);
  CHECK(output(Mode::train, 1, 0) == one);
  CHECK(output(Mode::train, 1, 1) != one);
  CHECK(output(Mode::train, 2, 0) != one);
  CHECK(output(Mode::evaluate, 1, 0) == output(Mode::evaluate, 2, 7));
  CHECK_THROWS_WITH(lower(graph), Contains("lower: node 'seq_blocks_0'"));
  config["data_in_width"] = 1;
  arguments.options["batch_norm1d"] = arguments.options["relu"] = {{"config", integer_config(8, 4)}};
  run_pass(quant_passes()[0], graph, arguments);
  CHECK_THROWS_WITH(lower(graph), Contains("'seq_blocks_2' is quantized to 'binary', and only fixed point"));
}
