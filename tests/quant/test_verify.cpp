// The integer network and the fake-quantized graph are one function, and what is planted to break that is
// found.
#include "quant/verify.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "quant/fixed/cast.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/ledger.hpp"
#include "quant/mutate.hpp"
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
    for (const char* overflow : {"SAT", "SAT_ZERO", "SAT_SYM", "WRAP"}) {
      CAPTURE(rounding, overflow);
      Graph graph = small_network(8, 9, 5, 4);
      MetaValue config = integer_config(6, 3);
      for (const char* tensor : {"data_in", "weight", "bias"}) {
        config[std::string(tensor) + "_rounding"] = rounding;
        config[std::string(tensor) + "_overflow"] = overflow;
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
