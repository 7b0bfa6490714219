// Integer inference: jets a second of one core for whole networks, from float features to classes, and the
// time of one jet. Checked against the reference executor before it is timed.
//
//   build/bench/bench_integer --benchmark_filter=jsc-hls4ml
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "apps/models/model.hpp"
#include "engine/random.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/reference.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {
namespace {

struct Scheme {
  const char* name;
  int width, fraction;
  const char* accumulator;  // null: exact
};

constexpr Scheme kSchemes[] = {
    {"8-bit", 8, 5, nullptr}, {"16-bit", 16, 10, nullptr}, {"16-bit-accum16", 16, 10, "fixed<16,6>"}};

IntegerProgram make_program(const char* model, const Scheme& scheme) {
  Graph graph = build_model(find_model(model), 16, 5);
  graph.initialize(1);
  MetaValue config = {{"name", "integer"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[std::string(tensor) + "_width"] = scheme.width;
    config[std::string(tensor) + "_frac_width"] = scheme.fraction;
  }
  if (scheme.accumulator != nullptr) config["accum"] = scheme.accumulator;
  PassArguments arguments;
  arguments.options = {{"by", "type"}, {"default", {{"config", config}}}};
  run_pass(quant_passes()[0], graph, arguments);
  return lower(graph);
}

Tensor make_jets(Index samples) {
  Tensor x(16, samples);
  for (Index f = 0; f < 16; ++f) fill_normal({7, static_cast<std::uint64_t>(f)}, 0, &x(f, 0), samples);
  return x;
}

void check_result(const IntegerNetwork& network, const Tensor& jets, Index n) {
  const IntegerProgram& program = network.program();
  IntegerNetwork::Workspace workspace(network);
  const Matrix x{const_cast<float*>(jets.view().data), 16, n, jets.view().stride};
  network.run(detected_isa(), x, workspace);
  std::vector<std::vector<std::int64_t>> values;
  std::vector<std::int64_t*> pointers;
  for (const IntegerValue& value : program.values) {
    values.emplace_back(static_cast<std::size_t>(value.features * n));
    pointers.push_back(values.back().data());
  }
  for (const IntegerInput& input : program.inputs) {
    std::vector<std::int64_t> raw(static_cast<std::size_t>(16 * n));
    quantize_to_raw(x, input.format, raw.data(), n);
    for (Index f = 0; f < 16; ++f)
      for (Index i = 0; i < n; ++i)
        pointers[static_cast<std::size_t>(input.value)][i * 16 + f] =
            raw[static_cast<std::size_t>(f * n + i)];
  }
  run_reference(program, n, pointers.data());
  const auto result = static_cast<std::size_t>(program.result);
  const Index classes = program.values[result].features;
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < classes; ++c)
      if (workspace.at(program.result, c, i) != values[result][static_cast<std::size_t>(i * classes + c)]) {
        std::fprintf(stderr, "bench_integer: the executors disagree\n");
        std::exit(1);
      }
}

void infer(benchmark::State& state, const char* model, const Scheme& scheme, Index batch) {
  const IntegerNetwork network(make_program(model, scheme));
  const Tensor jets = make_jets(batch);
  check_result(network, jets, std::min(batch, IntegerNetwork::kBlock));
  IntegerNetwork::Workspace workspace(network);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(batch));
  for (auto _ : state) {
    for (Index first = 0; first < batch; first += IntegerNetwork::kBlock) {
      const Index n = std::min(IntegerNetwork::kBlock, batch - first);
      network.run(detected_isa(), {const_cast<float*>(jets.view().data) + first, 16, n, jets.view().stride},
                  workspace);
      network.argmax(detected_isa(), workspace, n, classes.data() + first);
    }
    benchmark::ClobberMemory();
  }
  state.counters["jets"] =
      benchmark::Counter(static_cast<double>(batch * state.iterations()), benchmark::Counter::kIsRate);
}

void register_all() {
  for (const char* model : {"jsc-toy", "jsc-hls4ml"})
    for (const Scheme& scheme : kSchemes)
      for (Index batch : {1, 512, 16384})
        benchmark::RegisterBenchmark(
            (std::string(model) + "/" + scheme.name + "/" + std::to_string(batch)).c_str(),
            [=](benchmark::State& state) { infer(state, model, scheme, batch); });
}

}  // namespace
}  // namespace jsc

int main(int argc, char** argv) {
  jsc::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
