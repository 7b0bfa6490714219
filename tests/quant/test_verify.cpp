// The integer network and the fake-quantized graph are one function, and what is planted to break that is
// found.
#include "quant/verify.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "graph/builder.hpp"
#include "graph/modules.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/ledger.hpp"
#include "quant/mutate.hpp"
#include "quant/passes/passes.hpp"
#include "tests/quant/quantized_network.hpp"
#include "tests/support/allocations.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

VerifyReport verify_all(const Graph& graph, const IntegerProgram& program, Index samples, int threads = 1) {
  VerifyOptions options;
  options.execution.threads = threads;
  return verify_program(graph, program, NormalSamples(program.input_features(), samples, 7), options);
}

void require_equal(const Graph& graph, Index samples) {
  const VerifyReport report = verify_all(graph, lower(graph), samples);
  INFO((report.first ? fmt::format("sample {} {} {}[{}] expected {} found {}: {}", report.first->sample,
                                   report.first->executor, report.first->value, report.first->feature,
                                   report.first->expected, report.first->found,
                                   fmt::join(report.first->operands, ", "))
                     : ""));
  REQUIRE(report.mismatches == 0);
  REQUIRE(report.samples == samples);
}

}  // namespace

TEST_CASE("every intermediate value is the same, for MASE's integer formats") {
  const auto [width, fraction] = GENERATE(table<int, int>({{8, 4},
                                                           {8, 6},
                                                           {6, 3},
                                                           {4, 2},
                                                           {2, 0},
                                                           {12, 6},
                                                           {16, 8},
                                                           {16, 10},
                                                           {20, 12},
                                                           {24, 12},
                                                           {8, 12},
                                                           {8, -2}}));
  CAPTURE(width, fraction);
  Graph graph = small_network(16, 24, 5, 3);
  quantize_all(graph, integer_config(width, fraction));
  require_equal(graph, 1500);
}

TEST_CASE("every pair of rounding and overflow mode gives the same values everywhere") {
  for (const char* rounding : {"RND", "RND_ZERO", "RND_MIN_INF", "RND_INF", "RND_CONV", "RND_CONV_ODD", "TRN",
                               "TRN_ZERO", "CEIL", "UP"})
    for (const auto& [overflow, saturated_bits] : std::vector<std::pair<std::string, int>>{{"SAT", 0},
                                                                                           {"SAT_ZERO", 0},
                                                                                           {"SAT_SYM", 0},
                                                                                           {"WRAP", 0},
                                                                                           {"WRAP", 2},
                                                                                           {"WRAP_SM", 0},
                                                                                           {"WRAP_SM", 6}}) {
      CAPTURE(rounding, overflow, saturated_bits);
      Graph graph = small_network(8, 9, 5, 4);
      MetaValue config = integer_config(6, 3);
      if (overflow == "WRAP_SM") config["data_in_signed"] = true;
      for (const char* tensor : {"data_in", "weight", "bias"}) {
        config[std::string(tensor) + "_rounding"] = rounding;
        config[std::string(tensor) + "_overflow"] = overflow;
        config[std::string(tensor) + "_saturated_bits"] = saturated_bits;
      }
      quantize_all(graph, config);
      require_equal(graph, 600);
    }
}

TEST_CASE("given accumulators are computed in hls4ml's order of casts") {
  const std::string accumulator =
      GENERATE("fixed<16,6>", "fixed<16,6,RND,SAT>", "fixed<12,3>", "fixed<20,8,TRN_ZERO,SAT>",
               "fixed<10,4,RND_CONV,SAT_SYM>", "fixed<10,4,TRN,WRAP,2>", "fixed<10,4,RND,WRAP_SM>");
  const auto [width, fraction] = GENERATE(table<int, int>({{8, 4}, {16, 10}}));
  CAPTURE(accumulator, width);
  Graph graph = small_network(16, 12, 5, 5);
  MetaValue config = integer_config(width, fraction);
  config["accum"] = accumulator;
  quantize_all(graph, config);
  require_equal(graph, 700);
}

TEST_CASE("branches, functions and results of their own format are lowered") {
  Graph graph = branching_network(7, 6);
  MetaValue config = integer_config(GENERATE(8, 14), 5);
  config["data_out_width"] = 9;
  config["data_out_frac_width"] = 3;
  config["data_in_signed"] = true;
  quantize_all(graph, config);
  require_equal(graph, 700);
}

TEST_CASE("sums and products beyond float32's exponents are the same") {
  // One step is 2^64 or 2^60, and every number rounds away from zero.
  const int fraction = GENERATE(-64, -60);
  MetaValue coarse = integer_config(8, fraction);
  for (const char* tensor : {"data_in", "weight"}) coarse[std::string(tensor) + "_rounding"] = "UP";
  GraphBuilder builder(6);
  NodeId node = builder.call_module("a", std::make_shared<Linear>(6, 5, false), {builder.input()});
  Graph graph = builder.finish(builder.call_module("b", std::make_shared<Linear>(5, 5, false), {node}));
  graph.initialize(3);
  quantize_all(graph, coarse);
  require_equal(graph, 300);
  Graph branching = branching_network(7, 6);
  PassArguments arguments;
  arguments.options = {
      {"by", "type"}, {"default", {{"config", integer_config(8, 4)}}}, {"mul", {{"config", coarse}}}};
  run_pass(quant_passes()[0], branching, arguments);
  require_equal(branching, 300);
}

TEST_CASE("biases far coarser or finer than the products are the same") {
  Graph graph = small_network(6, 5, 5, 5);
  MetaValue config = integer_config(8, 4);
  config["bias_frac_width"] = GENERATE(-40, 40);
  if (GENERATE(false, true)) config["weight_frac_width"] = -2;  // then all weights of linear layers are 0
  quantize_all(graph, config);
  require_equal(graph, 200);
}

TEST_CASE("an accumulator's products may be as wide as quantize lets them") {
  const auto [data, weight] = GENERATE(table<int, int>({{31, 32}, {32, 31}, {48, 15}}));
  CAPTURE(data, weight);
  Graph graph = small_network(6, 5, 5, 5);
  MetaValue config = integer_config(8, 4);
  config["data_in_width"] = data;
  config["weight_width"] = weight;
  config["data_in_frac_width"] = config["weight_frac_width"] = 10;
  config["data_in_overflow"] = config["weight_overflow"] = "WRAP";
  config["accum"] = "fixed<16,6>";
  quantize_all(graph, config);
  require_equal(graph, 200);
}

TEST_CASE("a layer that is called twice, around a branch, is lowered for both calls") {
  GraphBuilder builder(6);
  const auto layer = std::make_shared<Linear>(6, 6);
  const NodeId first = builder.call_module("a", layer, {builder.input()});
  const NodeId second = builder.call_module("a", layer, {first});
  const NodeId sum = builder.call_function("add", {second, first});
  Graph graph = builder.finish(builder.call_function("relu", {sum}));
  graph.initialize(2);
  MetaValue config = integer_config(GENERATE(8, 16), 5);
  if (GENERATE(false, true)) config["accum"] = "fixed<12,4,RND,SAT>";
  quantize_all(graph, config);
  require_equal(graph, 300);
}

TEST_CASE("the number of threads changes nothing in the report") {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  IntegerProgram program = lower(graph);
  program.steps[3].weights[0] ^= 1;
  const VerifyReport one = verify_all(graph, program, 3000, 1), two = verify_all(graph, program, 3000, 2);
  CHECK(one.mismatches > 0);
  CHECK(one.mismatches == two.mismatches);
  CHECK(one.compared == two.compared);
  REQUIRE(two.first);
  CHECK(one.first->sample == two.first->sample);
  CHECK(one.ledger[3].rounded == two.ledger[3].rounded);
}

TEST_CASE("planted faults are found, or change no value") {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerProgram program = lower(graph);
  REQUIRE(verify_all(graph, program, 2000).mismatches == 0);
  int caught = 0;
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Mutant mutant = plant_fault(program, 1, number);
    CAPTURE(mutant.fault);
    CHECK(mutant.program != program);
    const VerifyReport report = verify_all(graph, mutant.program, 2000);
    caught += report.mismatches > 0 ? 1 : 0;
    if (report.mismatches > 0) CHECK(report.first);
  }
  CHECK(caught > 30);
}

TEST_CASE("an accumulator whose bits all saturate stays a format when it is one bit short") {
  Graph graph = small_network(6, 5, 5, 5);
  MetaValue config = integer_config(8, 4);
  config["accum"] = GENERATE("fixed<10,4,RND,WRAP_SM,10>", "fixed<10,4,TRN,WRAP,10>");
  quantize_all(graph, config);
  const IntegerProgram program = lower(graph);
  int shortened = 0;
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Mutant mutant = plant_fault(program, 1, number);
    CAPTURE(mutant.fault);
    for (const IntegerStep& step : mutant.program.steps)
      if (step.accumulator) {
        CHECK(fixed::is_valid(*step.accumulator));
        shortened += step.accumulator->width == 9 ? 1 : 0;
      }
    check(mutant.program);
  }
  CHECK(shortened > 0);
}

TEST_CASE("a program whose parts do not fit together is refused") {
  Graph graph = branching_network(6, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerProgram good = lower(graph);
  check(good);
  const auto refuses = [&](const auto& damage, const std::string& words) {
    IntegerProgram program = good;
    damage(program);
    CHECK_THROWS_WITH(check(program), Contains("integer network") && Contains(words));
  };
  const auto step_of = [](IntegerProgram& program, Operation operation) -> IntegerStep& {
    return *std::ranges::find(program.steps, operation, &IntegerStep::operation);
  };
  for (Operation operation :
       {Operation::quantize, Operation::dense, Operation::add, Operation::sub, Operation::mul})
    refuses(
        [&](IntegerProgram& p) {
          p.values[static_cast<std::size_t>(step_of(p, operation).output)].fraction -= 1;
        },
        "of fraction");
  refuses([](IntegerProgram& p) { p.values[0].fraction = 1 << 30; }, "of fraction");
  refuses([](IntegerProgram& p) { p.values[0].fraction += 1; }, "input");
  refuses([](IntegerProgram& p) { p.inputs[0].format.width = 64; }, "at most 61 bits");
  refuses([](IntegerProgram& p) { p.inputs[0].format.width = 0; }, "width");
  refuses([&](IntegerProgram& p) { step_of(p, Operation::quantize).format.width = 70; }, "width");
  refuses([&](IntegerProgram& p) { step_of(p, Operation::dense).weights[0] = 128; }, "is not a number of");
  refuses([&](IntegerProgram& p) { step_of(p, Operation::dense).bias[0] = -129; }, "is not a number of");
  refuses(
      [&](IntegerProgram& p) {
        step_of(p, Operation::dense).accumulator = fixed::Format{16, 8};
      },
      "sum widths");
}

TEST_CASE("a node that is still float is named") {
  Graph graph = small_network(16, 12, 5, 5);
  CHECK_THROWS_WITH(lower(graph), Contains("seq_blocks_0") && Contains("not quantized"));
}

#ifdef JSC_COUNTS_ALLOCATIONS
TEST_CASE("a running integer network allocates nothing") {
  const auto [width, accumulator] = GENERATE(table<int, bool>({{8, false}, {16, false}, {8, true}}));
  Graph graph = small_network(16, 12, 5, 5);
  MetaValue config = integer_config(width, 4);
  if (accumulator) config["accum"] = "fixed<16,6>";
  quantize_all(graph, config);
  const IntegerNetwork network(lower(graph)), another(lower(graph));
  IntegerNetwork::Workspace workspace(network), other(another);
  Tensor x(16, 100);
  NormalSamples(16, 100, 1).fill(0, {x.view().data, 16, 100, x.view().stride});
  std::int32_t classes[100];
  const std::int64_t before = allocation_count();
  network.run(detected_isa(), {x.view().data, 16, 100, x.view().stride}, workspace);
  another.run(Isa::portable, {x.view().data, 16, 100, x.view().stride}, other);
  network.argmax(detected_isa(), workspace, 100, classes);
  CHECK(allocation_count() == before);
  for (Index i = 0; i < 100; ++i)
    for (Index c = 0; c < 5; ++c)
      REQUIRE(workspace.at(network.program().result, c, i) == other.at(another.program().result, c, i));
}
#endif

TEST_CASE("the ledger counts what the casts do") {
  // One feature through one ReLU cast: ufixed<4,2>, half to even, saturating, from numbers with 3 fraction
  // bits.
  IntegerProgram program;
  const fixed::Format from = fixed::parse_format("fixed<8,5>"),
                      to = fixed::parse_format("ufixed<4,2,RND_CONV,SAT>");
  program.values = {{"in", 1, from.fraction(), {full_range(from)}}, {"out", 1, to.fraction(), {}}};
  program.inputs = {{0, from}};
  IntegerStep step;
  step.format = to;
  step.inputs = {0};
  step.output = 1;
  program.values[1].ranges = analyze(program, step).ranges;
  program.steps.push_back(step);
  program.result = 1;
  check(program);
  Ledger ledger(program);
  std::int64_t in[256], out[256];
  Tensor x(1, 256);
  LedgerEntry expected;
  for (int i = 0; i < 256; ++i) {
    in[i] = i - 128;
    const fixed::Cast cast = fixed::cast_detailed(in[i], from.fraction(), to);
    out[i] = static_cast<std::int64_t>(cast.raw);
    x(0, i) = static_cast<float>(in[i]) / 8;
    const double exact = static_cast<double>(in[i]) / 2;  // in units of the target
    expected.rounded += exact != std::floor(exact) ? 1 : 0;
    expected.negative += std::nearbyint(exact) < 0 ? 1 : 0;
    expected.saturated += std::nearbyint(exact) > 15 ? 1 : 0;
  }
  const std::int64_t* values[] = {in, out};
  ledger.add({x.view().data, 1, 256, x.view().stride}, values);
  const LedgerEntry entry = ledger.entries()[1];
  CHECK(entry.numbers == 256);
  CHECK(entry.rounded == expected.rounded);
  CHECK(entry.ties == expected.rounded);  // halves are all there is between two numbers here
  CHECK(entry.negative == expected.negative);
  CHECK(entry.saturated == expected.saturated);
  CHECK(entry.observed == Range{0, 15});
  CHECK(entry.proven == Range{0, 15});
  CHECK(entry.excess_bits > 0);
  CHECK(ledger.entries()[0].rounded == 0);
  Ledger twice(program);
  twice.merge(ledger);
  twice.merge(ledger);
  CHECK(twice.entries()[1].saturated == 2 * expected.saturated);
}

TEST_CASE("range analysis is attained and sound") {
  Graph graph = small_network(6, 4, 3, 9);
  quantize_all(graph, integer_config(5, 2));
  const IntegerProgram program = lower(graph);
  const IntegerStep& dense = program.steps[3];
  REQUIRE(dense.operation == Operation::dense);
  // Each bound of each neuron, by choosing every input at the end that its weight's sign asks for.
  const IntegerValue& x = program.values[static_cast<std::size_t>(dense.inputs[0])];
  const IntegerValue& y = program.values[static_cast<std::size_t>(dense.output)];
  for (std::size_t o = 0; o < y.ranges.size(); ++o) {
    std::int64_t lo = dense.bias[o] * (1 << (y.fraction - dense.bias_format.fraction())), hi = lo;
    for (std::size_t k = 0; k < x.ranges.size(); ++k) {
      const std::int64_t w = dense.weights[o * x.ranges.size() + k];
      lo += w * (w > 0 ? x.ranges[k].lo : x.ranges[k].hi);
      hi += w * (w > 0 ? x.ranges[k].hi : x.ranges[k].lo);
    }
    CHECK(y.ranges[o] == Range{lo, hi});
    CHECK(lo >= -(std::int64_t{1} << (dense.sum_widths[o] - 1)));
    CHECK(hi < std::int64_t{1} << (dense.sum_widths[o] - 1));
    CHECK((lo < -(std::int64_t{1} << (dense.sum_widths[o] - 2)) || hi >= std::int64_t{1}
                                                                             << (dense.sum_widths[o] - 2)));
  }
}

TEST_CASE("the bits by which a number exceeds its format are those of its farther end") {
  const auto excess = [](Range range, const char* format) {
    IntegerProgram program;
    program.values = {{"in", 1, 0, {range}}, {"out", 1, 0, {}}};
    IntegerStep step;
    step.format = fixed::parse_format(format);
    step.inputs = {0};
    step.output = 1;
    return analyze(program, step).excess_bits;
  };
  CHECK(excess({-128, 127}, "fixed<8,8>") == 0);
  CHECK(excess({-129, 0}, "fixed<8,8>") == 1);
  CHECK(excess({0, 128}, "fixed<8,8>") == 1);
  CHECK(excess({-1000, 5000}, "fixed<8,8>") == 6);
  CHECK(excess({0, 255}, "ufixed<8,8>") == 0);
  CHECK(excess({-1, 1000}, "ufixed<8,8>") == 2);
  CHECK(excess({-1, 5}, "ufixed<8,8>") == 1);
  CHECK(excess({-300, 1000}, "ufixed<8,8>") == 10);
}

TEST_CASE("a bias far above its accumulator is in the range that analysis finds") {
  const fixed::Format accumulator = fixed::parse_format("fixed<16,-48>");  // 64 bits of fraction
  for (const int integer : {72, 73, 136}) {  // the bias stands 128 bits and more above the accumulator
    IntegerProgram program;
    program.values = {{"in", 1, 32, {{-128, 127}}}, {"out", 1, 64, {}}};
    IntegerStep step;
    step.operation = Operation::dense;
    step.inputs = {0};
    step.output = 1;
    step.weights = {0};
    step.weight_format = fixed::parse_format("fixed<8,-24>");
    step.bias = {1};
    step.bias_format = {8, integer};
    step.accumulator = accumulator;
    const StepRanges found = analyze(program, step);
    const auto start = static_cast<std::int64_t>(fixed::cast(1, step.bias_format.fraction(), accumulator));
    CAPTURE(integer, start, found.ranges[0].lo, found.ranges[0].hi);
    CHECK(found.ranges[0].lo <= start);
    CHECK(start <= found.ranges[0].hi);
    CHECK(found.excess_bits > 0);
  }
}

TEST_CASE("a workspace is not written beyond its samples") {
  Graph graph = small_network(6, 5, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerNetwork network(lower(graph));
  IntegerNetwork::Workspace workspace(network);
  constexpr Index kMany = IntegerNetwork::kBlock + 1;
  const std::vector<std::int64_t> x(6 * kMany, 1);
  const std::int64_t* inputs[] = {x.data()};
  CHECK_THROWS_WITH(network.run(Isa::portable, kMany, inputs, kMany, workspace),
                    Contains("at most 256 samples"));
}
