// Integer inference: jets a second of one core for whole networks, from float features to classes, and the
// time of one jet (batch 1). Checked against the reference executor before it is timed.
//
//   build/bench/bench_integer --benchmark_filter=jsc-hls4ml
//
// Names are network/arithmetic/batch or, on another instruction set than the best,
// network/arithmetic/ISA/batch; "large" arithmetic has weights 8 times as large as they are initialized, as
// training makes some of them, so that sums outgrow 32 bits; "verification" is the executor that keeps every
// value.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apps/models/model.hpp"
#include "bench/main.hpp"
#include "engine/random.hpp"
#include "quant/integer/inference.hpp"
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
  float weight_scale = 1;
};

constexpr Scheme kSchemes[] = {
    {"8-bit", 8, 5, nullptr},
    {"16-bit", 16, 10, nullptr},
    {"16-bit-large", 16, 10, nullptr, 8},
    {"8-bit-accum16", 8, 4, "fixed<16,6>"},  // more fraction bits than products have
    {"16-bit-accum16", 16, 10, "fixed<16,6>"},
    {"16-bit-accum16-large", 16, 10, "fixed<16,6>", 8}};

IntegerProgram make_program(const char* model, const Scheme& scheme) {
  Graph graph = build_model(find_model(model), 16, 5);
  graph.initialize(1);
  for (auto& [path, module] : graph.modules)
    for (Parameter& parameter : module->parameters())
      for (Index i = 0; i < parameter.value.size(); ++i) parameter.value.data[i] *= scheme.weight_scale;
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

// Raw results [classes][n] of the reference executor.
std::vector<std::int64_t> reference_result(const IntegerProgram& program, ConstMatrix x) {
  const Index n = x.cols;
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
  std::vector<std::int64_t> rows(static_cast<std::size_t>(classes * n));
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < classes; ++c)
      rows[static_cast<std::size_t>(c * n + i)] = values[result][static_cast<std::size_t>(i * classes + c)];
  return rows;
}

ConstMatrix columns(const Tensor& jets, Index first, Index n) {
  return {jets.view().data + first, 16, n, jets.view().stride};
}

void count_jets(benchmark::State& state, Index batch) {
  state.counters["jets"] =
      benchmark::Counter(static_cast<double>(batch * state.iterations()), benchmark::Counter::kIsRate);
}

// The raw results and classes of the first jets against the reference's, block by block.
template <class Executor>
bool agrees(const IntegerProgram& program, const Executor& executor, const Tensor& jets) {
  typename Executor::Workspace workspace(executor);
  for (Index first = 0; first < std::min<Index>(jets.cols(), 2048); first += Executor::kBlock) {
    const Index n = std::min(Executor::kBlock, jets.cols() - first), features = executor.result_features();
    const std::vector<std::int64_t> expected = reference_result(program, columns(jets, first, n));
    std::vector<std::int64_t> raw(expected.size());
    std::vector<std::int32_t> classes(static_cast<std::size_t>(n));
    executor.run(columns(jets, first, n), workspace);
    executor.read(workspace, n, raw.data(), n);
    executor.argmax(workspace, n, classes.data());
    if (raw != expected) return false;
    for (Index i = 0; i < n; ++i) {
      Index best = 0;  // the first of the largest
      for (Index c = 1; c < features; ++c)
        if (expected[static_cast<std::size_t>(c * n + i)] > expected[static_cast<std::size_t>(best * n + i)])
          best = c;
      if (classes[static_cast<std::size_t>(i)] != best) return false;
    }
  }
  return true;
}

// `Executor` is IntegerInference or has its interface.
template <class Executor>
void time_executor(benchmark::State& state, const IntegerProgram& program, const Executor& executor,
                   Index batch) {
  const Tensor jets = make_jets(batch);
  typename Executor::Workspace workspace(executor);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(batch));
  constexpr Index kBlock = Executor::kBlock;
  if (!agrees(program, executor, jets)) return state.SkipWithError("the executor and the reference disagree");
  for (auto _ : state) {
    for (Index first = 0; first < batch; first += kBlock) {
      const Index n = std::min(kBlock, batch - first);
      executor.run(columns(jets, first, n), workspace);
      executor.argmax(workspace, n, classes.data() + first);
    }
    benchmark::ClobberMemory();
  }
  count_jets(state, batch);
}

// IntegerNetwork, which keeps every value.
struct Verification : IntegerNetwork {
  using IntegerNetwork::IntegerNetwork;
  Index result_features() const {
    return program().values[static_cast<std::size_t>(program().result)].features;
  }
  void run(ConstMatrix x, Workspace& workspace) const { IntegerNetwork::run(detected_isa(), x, workspace); }
  void read(const Workspace& workspace, Index samples, std::int64_t* to, Index stride) const {
    workspace.read(program().result, samples, to, stride);
  }
  void argmax(const Workspace& workspace, Index samples, std::int32_t* classes) const {
    IntegerNetwork::argmax(detected_isa(), workspace, samples, classes);
  }
};

struct Variant {
  std::string name;  // "" for the best instruction set
  Isa isa;
  const LayerKernels* kernels;
};

std::vector<Variant> variants() {
  std::vector<Variant> all = {{"", detected_isa(), &layer_kernels(detected_isa())}};
#ifdef JSC_X86_64
  if (all[0].kernels == &kLayerKernelsVnni) all.push_back({"avx512", Isa::avx512, &kLayerKernelsAvx512});
  if (detected_isa() > Isa::avx2) all.push_back({"avx2", Isa::avx2, &kLayerKernelsAvx2});
#endif
  if (detected_isa() > Isa::portable) all.push_back({"portable", Isa::portable, &kLayerKernelsPortable});
  return all;
}

// make(program) is the executor.
template <class Make>
benchmark::internal::Benchmark* add_case(const char* network, const Scheme& scheme, const std::string& how,
                                         Index batch, const Make& make) {
  const std::string name = std::string(network) + "/" + scheme.name + how + "/" + std::to_string(batch);
  return benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    const IntegerProgram program = make_program(network, scheme);
    time_executor(state, program, make(program), batch);
  });
}

benchmark::internal::Benchmark* add_inference(const char* network, const Scheme& scheme,
                                              const Variant& variant, Index batch) {
  return add_case(network, scheme, variant.name.empty() ? "" : "/" + variant.name, batch,
                  [=](const IntegerProgram& program) {
                    return IntegerInference(program, variant.isa, *variant.kernels);
                  });
}

}  // namespace

void register_benchmarks() {
  for (const char* network : {"jsc-toy", "jsc-hls4ml"})
    for (const Scheme& scheme : kSchemes) {
      for (const Variant& variant : variants())
        for (Index batch : {1, 512, 16384})
          if (batch == 16384 || variant.name.empty()) add_inference(network, scheme, variant, batch);
      add_inference(network, scheme, variants()[0], 16384)->Threads(2)->UseRealTime();  // each its workspace
      add_case(network, scheme, "/verification", 16384,
               [](const IntegerProgram& program) { return Verification(program); });
    }
}

}  // namespace jsc
