// The integer network and the fake-quantized graph are one function, and what is planted to break that is
// found.
#include "quant/verify.hpp"

#include <catch2/catch.hpp>

#include "quant/fixed/text.hpp"
#include "quant/integer/lower.hpp"
#include "quant/mutate.hpp"
#include "tests/quant/quantized_network.hpp"

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
