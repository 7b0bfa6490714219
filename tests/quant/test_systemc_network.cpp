// Whole integer networks on SystemC's fixed-point types: an executor that shares no arithmetic with ours
// gives every intermediate value of the reference executor. Modes in which SystemC differs from ap_fixed
// (FX-18) stay out.
#include <catch2/catch.hpp>

#include "quant/fixed/cast.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/reference.hpp"
#include "tests/fixed/systemc_oracle.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;

namespace {

systemc_oracle::Format theirs(const fixed::Format& f) {
  return {f.width,         f.integer, f.is_signed, static_cast<int>(f.rounding), static_cast<int>(f.overflow),
          f.saturated_bits};
}

using Values = std::vector<std::vector<std::int64_t>>;  // [value][feature], of one sample

void run_step(const IntegerProgram& program, const IntegerStep& step, Values& values) {
  const auto fraction = [&](int v) { return program.values[static_cast<std::size_t>(v)].fraction; };
  const std::vector<std::int64_t>& a = values[static_cast<std::size_t>(step.inputs[0])];
  std::vector<std::int64_t>& y = values[static_cast<std::size_t>(step.output)];
  if (step.operation == Operation::quantize) {
    systemc_oracle::cast(a.data(), a.size(), fraction(step.inputs[0]), theirs(step.format), y.data());
    return;
  }
  REQUIRE((step.operation == Operation::dense || step.operation == Operation::scale_shift));
  const bool dense = step.operation == Operation::dense;
  const std::size_t terms = dense ? a.size() : 1;
  for (std::size_t o = 0; o < y.size(); ++o) {
    const systemc_oracle::Sum sum{
        step.weights.data() + o * terms,      a.data() + (dense ? 0 : o),    terms,
        step.bias.empty() ? 0 : step.bias[o], step.weight_format.fraction(), fraction(step.inputs[0]),
        step.bias_format.fraction(),          fraction(step.output)};
    const auto accumulator = step.accumulator ? theirs(*step.accumulator) : systemc_oracle::Format{};
    y[o] = systemc_oracle::sum_of_products(sum, step.accumulator ? &accumulator : nullptr);
  }
}

// The number of values compared.
Index compare_with_systemc(const Graph& graph, Index samples) {
  const IntegerProgram program = lower(graph);
  const Index features = program.input_features();
  Tensor x(features, samples);
  NormalSamples(features, samples, 11).fill(0, {x.view().data, features, samples, x.view().stride});
  Index compared = 0;
  for (Index i = 0; i < samples; ++i) {
    Values ours, systemc;
    std::vector<std::int64_t*> pointers;
    for (const IntegerValue& value : program.values)
      ours.emplace_back(static_cast<std::size_t>(value.features));
    systemc = ours;
    for (const IntegerInput& input : program.inputs)
      for (Index f = 0; f < features; ++f)
        ours[static_cast<std::size_t>(input.value)][static_cast<std::size_t>(f)] =
            systemc[static_cast<std::size_t>(input.value)][static_cast<std::size_t>(f)] =
                static_cast<std::int64_t>(fixed::from_double(x(f, i), input.format));
    for (auto& value : ours) pointers.push_back(value.data());
    run_reference(program, 1, pointers.data());
    for (const IntegerStep& step : program.steps) run_step(program, step, systemc);
    for (std::size_t v = 0; v < ours.size(); ++v) {
      CAPTURE(i, program.values[v].name);
      REQUIRE(ours[v] == systemc[v]);
      compared += std::ssize(ours[v]);
    }
  }
  return compared;
}

}  // namespace

TEST_CASE("SystemC gives every value of a network with exact sums") {
  const auto [width, fraction] = GENERATE(table<int, int>({{8, 4}, {6, 2}, {12, 9}, {16, 10}}));
  CAPTURE(width, fraction);
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(width, fraction));
  CHECK(compare_with_systemc(graph, 200) == 200 * (4 * 16 + 5 * 12 + 2 * 5));
  Graph matmul = matmul_network(16, 12, 5, 5);
  quantize_all(matmul, integer_config(width, fraction));
  CHECK(compare_with_systemc(matmul, 200) == 200 * (3 * 16 + 3 * 12 + 5));
}

TEST_CASE("SystemC gives every value of a network with given accumulators") {
  const std::string accumulator =
      GENERATE("fixed<16,6>", "fixed<12,4,RND,SAT>", "fixed<10,5,RND_CONV,SAT_SYM>",
               "fixed<12,4,TRN_ZERO,WRAP>", "fixed<14,5,RND_INF,SAT_ZERO>");
  CAPTURE(accumulator);
  const bool matmul = GENERATE(false, true);
  Graph graph = matmul ? matmul_network(16, 8, 5, 5) : small_network(16, 8, 5, 5);
  MetaValue config = integer_config(8, 4);
  config["accum"] = accumulator;
  for (const char* tensor : {"data_in", "weight", "bias"})
    config[std::string(tensor) + "_rounding"] = "RND_MIN_INF";
  quantize_all(graph, config);
  compare_with_systemc(graph, 60);
}
