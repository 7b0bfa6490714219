// Inference gives the reference executor's results: random chains of steps over all modes, networks, every
// kernel of every table that this processor can run, and every number of samples around the registers'
// widths.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "engine/error.hpp"
#include "engine/random.hpp"
#include "quant/fixed/cast.hpp"
#include "quant/integer/inference.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/integer/reference.hpp"
#include "tests/quant/quantized_network.hpp"
#include "tests/support/allocations.hpp"

using namespace jsc;
using namespace jsc::test;

namespace {

struct Table {
  const char* name;
  Isa isa;
  const LayerKernels* kernels;
};

std::vector<Table> tables() {
  std::vector<Table> all = {{"portable", Isa::portable, &kLayerKernelsPortable}};
#ifdef JSC_X86_64
  if (detected_isa() >= Isa::avx2) all.push_back({"avx2", Isa::avx2, &kLayerKernelsAvx2});
  if (detected_isa() >= Isa::avx512) all.push_back({"avx512", Isa::avx512, &kLayerKernelsAvx512});
  if (detected_isa() >= Isa::avx512 && __builtin_cpu_supports("avx512vnni"))
    all.push_back({"vnni", Isa::avx512, &kLayerKernelsVnni});
#endif
  return all;
}

// Numbers drawn one after the other.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_{seed, 99} {}
  // Uniform in [lo, hi].
  int operator()(int lo, int hi) {
    return lo + static_cast<int>(uniform_below(stream_, next_++, static_cast<std::uint64_t>(hi - lo + 1)));
  }
  bool chance(int one_in) { return (*this)(1, one_in) == 1; }
  // In [lo, hi], one in four of them an end.
  std::int64_t number(Range range) {
    if (chance(4)) return chance(2) ? range.lo : range.hi;
    return range.lo + static_cast<std::int64_t>(uniform_below(
                          stream_, next_++, static_cast<std::uint64_t>(range.hi - range.lo + 1)));
  }

 private:
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

fixed::Format random_format(Dice& dice, int width, int fraction) {
  fixed::Format format{width, width - fraction, !dice.chance(3)};
  format.rounding = static_cast<fixed::Rounding>(dice(0, fixed::kRoundings - 1));
  format.overflow = static_cast<fixed::Overflow>(dice(0, fixed::kOverflows - 1));
  if (format.overflow == fixed::Overflow::wrap_sm) format.is_signed = true;
  if (dice.chance(4)) {  // what networks have most
    format.rounding = fixed::Rounding::rnd_conv;
    format.overflow = fixed::Overflow::sat;
  }
  return format;
}

// Chains with the layers that networks have, now and then of a kind that does not fuse.
class RandomProgram {
 public:
  explicit RandomProgram(std::uint64_t seed) : dice_(seed) {}

  IntegerProgram make() {
    const int width = dice_.chance(3) ? dice_(9, 16) : dice_.chance(4) ? 16 : dice_(2, 8);
    const fixed::Format input = random_format(dice_, width, dice_(0, width));
    program_.values.push_back({"input", dice_(1, 19), input.fraction(), {}});
    program_.values[0].ranges.assign(static_cast<std::size_t>(program_.values[0].features),
                                     full_range(input));
    program_.inputs = {{0, input}};
    for (int layers = dice_(1, 3); layers > 0; --layers) {
      sums(dice_.chance(3) ? Operation::scale_shift : Operation::dense, width);
      if (dice_.chance(3)) relu();
      if (layers == 1 && dice_.chance(2)) break;
      quantize(width);
      if (dice_.chance(4)) relu();
      if (dice_.chance(4)) quantize(width);
    }
    program_.result = static_cast<int>(program_.values.size()) - 1;
    check(program_);
    return program_;
  }

 private:
  void append(IntegerStep step, Index features, int fraction) {
    step.inputs = {static_cast<int>(program_.values.size()) - 1};
    step.output = static_cast<int>(program_.values.size());
    program_.values.push_back({"value", features, fraction, {}});
    IntegerValue& value = program_.values.back();
    value.ranges = analyze(program_, step).ranges;
    const bool sums = step.operation == Operation::dense || step.operation == Operation::scale_shift;
    if (sums && !step.accumulator)
      for (const Range& range : value.ranges) step.sum_widths.push_back(signed_width(range));
    program_.steps.push_back(std::move(step));
  }

  void relu() {
    IntegerStep step;
    step.operation = Operation::relu;
    append(step, program_.values.back().features, program_.values.back().fraction);
  }

  void quantize(int width) {
    IntegerStep step;
    const int fraction = program_.values.back().fraction;
    step.format = random_format(dice_, width, std::max(fraction - dice_(-2, 16), -4));
    append(step, program_.values.back().features, step.format.fraction());
  }

  void sums(Operation operation, int width) {
    const IntegerValue from = program_.values.back();
    IntegerStep step;
    step.operation = operation;
    const Index wide = dice_.chance(6) ? dice_(22, 140) : dice_(1, 21);
    const Index out = operation == Operation::dense ? wide : from.features;
    step.weight_format = {width, width - dice_(0, width)};
    step.bias_format = {width, width - dice_(0, width)};
    const Index count = operation == Operation::dense ? out * from.features : out;
    Range weights = full_range(step.weight_format);
    if (dice_.chance(2)) weights = {weights.lo / 8, weights.hi / 8};
    for (Index i = 0; i < count; ++i) step.weights.push_back(dice_.number(weights));
    if (!dice_.chance(4))
      for (Index i = 0; i < out; ++i) step.bias.push_back(dice_.number(full_range(step.bias_format)));
    const int product_fraction = from.fraction + step.weight_format.fraction();
    int fraction =
        step.bias.empty() ? product_fraction : std::max(product_fraction, step.bias_format.fraction());
    if (dice_.chance(3)) {
      fixed::Format format = random_format(dice_, dice_(4, 16), product_fraction + dice_(-10, 17));
      if (dice_.chance(2)) format = {format.width, format.integer};  // hls4ml's TRN and WRAP
      step.accumulator = format;
      fraction = format.fraction();
    }
    append(std::move(step), out, fraction);
  }

  Dice dice_;
  IntegerProgram program_;
};

// [features][n], of the input's format, some between its numbers and some beyond.
Tensor random_jets(const IntegerProgram& program, Index n, std::uint64_t seed) {
  Tensor x(program.input_features(), n);
  const fixed::Format& format = program.inputs[0].format;
  const auto range = static_cast<float>(std::max(std::fabs(format.min_value()), format.max_value()));
  for (Index f = 0; f < x.rows(); ++f)
    fill_uniform({seed, static_cast<std::uint64_t>(f)}, 0, -1.1F * range, 1.1F * range, &x(f, 0), n);
  return x;
}

// [result features][n]
std::vector<std::int64_t> reference_result(const IntegerProgram& program, const Tensor& x) {
  const Index n = x.cols();
  std::vector<std::vector<std::int64_t>> values;
  std::vector<std::int64_t*> pointers;
  for (const IntegerValue& value : program.values)
    values.emplace_back(static_cast<std::size_t>(value.features * n));
  for (auto& value : values) pointers.push_back(value.data());
  const IntegerInput& input = program.inputs[0];
  for (Index f = 0; f < x.rows(); ++f)
    for (Index i = 0; i < n; ++i)
      pointers[static_cast<std::size_t>(input.value)][i * x.rows() + f] =
          static_cast<std::int64_t>(fixed::from_double(x(f, i), input.format));
  run_reference(program, n, pointers.data());
  const Index features = program.result_features();
  std::vector<std::int64_t> result(static_cast<std::size_t>(features * n));
  for (Index i = 0; i < n; ++i)
    for (Index f = 0; f < features; ++f)
      result[static_cast<std::size_t>(f * n + i)] =
          pointers[static_cast<std::size_t>(program.result)][i * features + f];
  return result;
}

// On n samples from the first.
void require_reference(const IntegerInference& inference, const Tensor& x,
                       const std::vector<std::int64_t>& expected, Index n, Index first = 0) {
  IntegerInference::Workspace workspace(inference);
  inference.run({x.view().data + first, x.rows(), n, x.view().stride}, workspace);
  const Index features = inference.result_features(), all = x.cols();
  std::vector<std::int64_t> found(static_cast<std::size_t>(features * n));
  inference.read(workspace, n, found.data(), n);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(n) + 1, 77);
  inference.argmax(workspace, n, classes.data());
  for (Index i = 0; i < n; ++i) {
    std::int32_t best = 0;
    for (Index f = 0; f < features; ++f) {
      const auto at = static_cast<std::size_t>(f * n + i),
                 expected_at = static_cast<std::size_t>(f * all + first + i);
      if (found[at] != expected[expected_at]) {
        CAPTURE(n, first, i, f);
        REQUIRE(found[at] == expected[expected_at]);
      }
      if (expected[expected_at] > expected[static_cast<std::size_t>(best * all + first + i)])
        best = static_cast<std::int32_t>(f);
    }
    if (classes[static_cast<std::size_t>(i)] != best) REQUIRE(classes[static_cast<std::size_t>(i)] == best);
  }
  REQUIRE(classes.back() == 77);
}

}  // namespace

TEST_CASE("inference of random programs gives the reference's results on every table") {
  constexpr std::uint64_t kPrograms = 500;
  for (const Table& table : tables()) {
    std::set<LayerSource> sources;
    std::set<LaneOperation> operations;
    std::set<Packing> packings;
    int fused_programs = 0;
    const bool with_bytes = table.kernels->samples.dot_bytes != nullptr;
    for (std::uint64_t seed = 0; seed < kPrograms; ++seed) {
      const IntegerProgram program = RandomProgram(seed).make();
      CAPTURE(table.name, seed);
      const IntegerInference inference(program, table.isa, *table.kernels);
      const std::optional<FusedNetwork> fused = fuse(program, with_bytes);
      REQUIRE(inference.is_fused() == fused.has_value());
      const Tensor x = random_jets(program, 51, seed);
      const std::vector<std::int64_t> expected = reference_result(program, x);
      for (const Index n :
           {Index{1} + static_cast<Index>(seed % 16), Index{17} + static_cast<Index>(seed % 16), Index{51}})
        require_reference(inference, x, expected, n);
      for (Index i = 0; i < x.cols(); ++i) require_reference(inference, x, expected, 1, i);
      if (!fused) continue;
      ++fused_programs;
      for (const FusedLayer& layer : fused->layers) {
        sources.insert(layer.source);
        packings.insert(layer.packing);
        for (const FusedStep& step : layer.steps) operations.insert(step.operation);
      }
    }
    CAPTURE(table.name, fused_programs);
    CHECK(fused_programs > 150);
    CHECK(fused_programs < static_cast<int>(kPrograms));
    CHECK(sources.size() == (with_bytes ? 5 : 4));
    CHECK(packings.size() == (with_bytes ? 5 : 3));
    CHECK(operations.size() == 12);
  }
}

TEST_CASE("inference of quantized networks is fused and gives the reference's results") {
  const auto [width, fraction, accumulator] = GENERATE(table<int, int, std::string>({{8, 4, ""},
                                                                                     {6, 2, ""},
                                                                                     {16, 10, ""},
                                                                                     {16, 4, ""},
                                                                                     {16, 10, "fixed<16,6>"},
                                                                                     {8, 4, "fixed<12,5>"},
                                                                                     {8, 4, "fixed<16,6>"}}));
  const bool matmul = GENERATE(false, true);
  CAPTURE(width, fraction, accumulator, matmul);
  Graph graph = matmul ? matmul_network(16, 12, 5, 5) : small_network(16, 12, 5, 5);
  MetaValue config = integer_config(width, fraction);
  if (!accumulator.empty()) config["accum"] = accumulator;
  quantize_all(graph, config);
  const IntegerProgram program = lower(graph);
  const Tensor x = random_jets(program, IntegerInference::kBlock, 3);
  const std::vector<std::int64_t> expected = reference_result(program, x);
  for (const Table& table : tables()) {
    CAPTURE(table.name);
    const IntegerInference inference(program, table.isa, *table.kernels);
    CHECK(inference.is_fused());
    for (Index n = 1; n <= 40; ++n) require_reference(inference, x, expected, n);
    for (Index i = 0; i < 40; ++i) require_reference(inference, x, expected, 1, i);
    require_reference(inference, x, expected, IntegerInference::kBlock);
  }
}

TEST_CASE("a network that is no chain is inferred all the same") {
  Graph graph = branching_network(8, 3);
  quantize_all(graph, integer_config(8, 4));
  const IntegerProgram program = lower(graph);
  REQUIRE(program.inputs.size() == 1);
  const Tensor x = random_jets(program, 100, 3);
  const IntegerInference inference(program, detected_isa());
  CHECK(!inference.is_fused());
  require_reference(inference, x, reference_result(program, x), 100);
}

TEST_CASE("biases may stand more than 32 bits to the left or right of the products") {
  IntegerStep step;
  step.operation = Operation::dense;
  step.inputs = {0};
  step.output = 1;
  step.weight_format = {8, 4};
  const fixed::Format input{8, 4};
  IntegerProgram program;
  program.inputs = {{0, input}};
  program.values = {{"x", 6, 4, std::vector<Range>(6, full_range(input))}, {"sum", 3, 8, {}}};
  program.result = 1;
  step.bias = {1, -3, 0};
  SECTION("to the left: their low bits, 0, are all that a register holds") {
    step.weights = {1, -2, 3, 4, -128, 127, 5, 6, 7, 8, 9, 10, 0, -1, 0, 1, 0, 0};
    step.bias_format = {8, 48};
    step.sum_widths = {20, 20, 20};
  }
  SECTION("to the right, where the weights are 0") {
    step.weights.assign(18, 0);
    step.bias_format = {8, -40};
    step.sum_widths = {8, 8, 8};
    program.values[1].fraction = 48;
  }
  program.values[1].ranges.resize(3);
  program.steps = {step};
  const Tensor x = random_jets(program, 50, 3);
  const std::vector<std::int64_t> expected = reference_result(program, x);
  for (const Table& table : tables()) {
    CAPTURE(table.name);
    const IntegerInference inference(program, table.isa, *table.kernels);
    CHECK(!inference.is_fused());  // lanes have no shift by so many bits
    require_reference(inference, x, expected, 50);
  }
}

TEST_CASE("inference takes numbers that are no numbers as the definition does") {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerProgram program = lower(graph);
  Tensor x = random_jets(program, 40, 3);
  for (Index i = 0; i < 40; ++i) x(6 + i % 5, i) = std::numeric_limits<float>::quiet_NaN();
  x(1, 1) = std::numeric_limits<float>::infinity();
  x(2, 2) = -std::numeric_limits<float>::infinity();
  x(3, 3) = std::numeric_limits<float>::denorm_min();
  x(4, 4) = std::numeric_limits<float>::max();
  for (Index i = 0; i < 40; ++i) x(5, i) = static_cast<float>(i - 20) / 32;  // ties
  const std::vector<std::int64_t> expected = reference_result(program, x);
  for (const Table& table : tables())
    for (const Index n : {1, 40})
      for (Index i = 0; i + n <= 40; ++i)
        require_reference(IntegerInference(program, table.isa, *table.kernels), x, expected, n, i);
}

TEST_CASE("inference refuses what its workspace does not hold") {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerInference inference(lower(graph), detected_isa());
  IntegerInference::Workspace workspace(inference);
  const Tensor x(16, IntegerInference::kBlock + 1), narrow(15, 4);
  CHECK_THROWS_AS(inference.run(x.view(), workspace), Error);
  CHECK_THROWS_AS(inference.run(narrow.view(), workspace), Error);
}

#ifdef JSC_COUNTS_ALLOCATIONS
TEST_CASE("running inference allocates nothing") {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(8, 4));
  const IntegerInference inference(lower(graph), detected_isa());
  IntegerInference::Workspace workspace(inference);
  const Tensor x(16, 100);
  std::int32_t classes[100];
  const std::int64_t before = allocation_count();
  inference.run(x.view(), workspace);
  inference.argmax(workspace, 100, classes);
  CHECK(allocation_count() == before);
}
#endif
