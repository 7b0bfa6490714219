// One whole training step, ours and LibTorch's (where it is installed), on emulated jets in memory: shuffle,
// gather, forward, loss and accuracy, running statistics, backward, Adam.
//   bench_training --benchmark_filter=jsc-toy/256
// Names are NETWORK/BATCH/THREADS/WHO. Both must have learned equally well before either is timed.
// NETWORK/1024/1/evaluate is inference in float32: rows in order to logits, compared with those of the
// graph's steps one by one; its peer is bench/peers/infer_torch.py. "flops" counts the multiplications and
// additions of the linear layers: forward, d_x, d_w; peak is what one core can do of them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stop_token>
#include <thread>

#include "apps/data/emulator.hpp"
#include "apps/data/scaler.hpp"
#include "apps/models/model.hpp"
#include "apps/training/trainer.hpp"
#include "bench/peak.hpp"
#include "engine/gather.hpp"
#include "graph/executor.hpp"
#ifdef JSC_BENCH_LIBTORCH
#include "bench/torch_trainer.hpp"
#endif

namespace jsc {

namespace {

constexpr Index kRows = 36 * 4096;  // every batch size divides it
constexpr double kLearningRate = 1e-3;

struct Data {
  Dataset jets = emulated_dataset(kRows, 0, 1);
  std::vector<std::uint32_t> rows = std::vector<std::uint32_t>(kRows);

  Data() {
    std::iota(rows.begin(), rows.end(), 0U);
    fit_scaler(jets.x.get(), jets.features, rows).apply(jets.x.get(), jets.rows, jets.features);
  }
  Samples samples() const { return {jets.x.get(), jets.features, jets.labels.data()}; }
};

const Data& data() {
  static const Data instance;
  return instance;
}

Graph new_network(const std::string& name) {
  Graph graph = build_model(find_model(name), data().jets.features, std::ssize(data().jets.class_names));
  graph.initialize(0);
  return graph;
}

class JscTrainer {
 public:
  JscTrainer(Graph& graph, Index batch, int threads)
      : trainer_(graph, data().samples(), data().rows, options(batch), {detected_isa(), threads, false}) {}

  void step() {
    trainer_.step();
    ++steps_;
    if (!trainer_.epoch_complete()) return;
    const Metrics epoch = trainer_.close_epoch();
    loss_of_epochs_ += epoch.loss * static_cast<double>(trainer_.batches_per_epoch());
  }

  double mean_loss() const {
    const TrainingPosition& now = trainer_.position();
    const double running =
        now.batch == 0 ? 0 : now.loss_sum / now.weight_sum * static_cast<double>(now.batch);
    return (loss_of_epochs_ + running) / static_cast<double>(steps_);
  }

 private:
  static TrainingOptions options(Index batch) {
    TrainingOptions options;
    options.optimizer.name = "adam";
    options.schedule.name = "constant";
    options.schedule.rate = kLearningRate;
    options.batch_size = batch;
    options.max_epochs = Index{1} << 40;  // as long as it is timed
    return options;
  }

  Trainer trainer_;
  double loss_of_epochs_ = 0;
  std::int64_t steps_ = 0;
};

// Of one sample through all linear layers, in one direction.
double flops(const Graph& graph) {
  double total = 0;
  for (const auto& [path, module] : graph.modules)
    if (module->type() == "Linear") total += 2.0 * static_cast<double>(module->parameters()[0].value.size());
  return total;
}

void count(benchmark::State& state, Index batch, double flops_per_sample) {
  const auto rate = [&](double amount) {
    return benchmark::Counter(amount * static_cast<double>(batch),
                              benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["samples"] = rate(1);
  state.counters["flops"] = rate(flops_per_sample);
}

template <typename AnyTrainer>
void time_steps(benchmark::State& state, AnyTrainer& trainer, Index batch, const Graph& graph) {
  for (auto _ : state) trainer.step();
  count(state, batch, 3 * flops(graph));
}

// Logits of rows in order, in the passes that evaluation goes through or, plain, in those of the graph.
struct Evaluation {
  Graph graph;
  RowSource source;
  Tape tape;
  Recording recording;
  Evaluation(const std::string& network, Index batch, Isa isa, bool fuse)
      : graph(new_network(network)),
        source{data().samples().x, data().samples().features},
        tape({isa, 1, false}, Tape::Gradients::none),
        recording(record(graph, tape, batch, Mode::evaluate,
                         {.fuse = fuse, .input = gather(tape, &source, batch, nullptr)})) {}
  ConstMatrix run(Index first) {
    source.indices = data().rows.data() + first;
    source.ahead = kRows - first - tape.value(recording.output).cols;
    tape.forward();
    return tape.value(recording.output);
  }
};

void time_evaluation(benchmark::State& state, const std::string& network, Index batch) {
  Evaluation own(network, batch, detected_isa(), true), plain(network, batch, Isa::portable, false);
  for (Index first = 0; first < 4 * batch; first += batch) {
    const ConstMatrix found = own.run(first), expected = plain.run(first);
    for (Index r = 0; r < expected.rows; ++r)
      if (!std::equal(expected.row(r), expected.row(r) + batch, found.row(r)))
        return state.SkipWithError("the logits differ from those of the steps one by one");
  }
  Index first = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(own.run(first).data);
    first = (first + batch) % kRows;
  }
  count(state, batch, flops(own.graph));
}

// What one core can multiply and add.
void time_peak(benchmark::State& state) {
  double work = 0;
  for (auto _ : state) work = run_fma_peak(detected_isa(), 100000);
  state.counters["peak"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
}

void time_jsc(benchmark::State& state, const std::string& network, Index batch, int threads) {
  Graph graph = new_network(network);
  JscTrainer trainer(graph, batch, threads);
  time_steps(state, trainer, batch, graph);
}

// One thread, by its processor time, while another trains a network of its own: twice this rate is what two
// cores give that have caches and memory in common and nothing else.
void time_beside_another(benchmark::State& state, const std::string& network, Index batch) {
  const std::jthread other([&](const std::stop_token& done) {
    Graph graph = new_network(network);
    JscTrainer trainer(graph, batch, 1);
    while (!done.stop_requested()) trainer.step();
  });
  time_jsc(state, network, batch, 1);
}

#ifdef JSC_BENCH_LIBTORCH

// The mean loss of an epoch from equal weights over different shuffles: 147,456 samples, so chance alone
// moves it by a few thousandths.
bool learn_alike(const std::string& network) {
  const Index batch = 256;
  Graph graph = new_network(network);
  TorchTrainer peer(graph, data().samples(), kRows, batch, kLearningRate, 1);
  JscTrainer own(graph, batch, 1);
  for (Index i = 0; i < kRows / batch; ++i) {
    peer.step();
    own.step();
  }
  const double difference = std::abs(own.mean_loss() - peer.mean_loss());
  if (!(difference < 0.01))
    fmt::print(stderr, "{}: mean loss {} (jsc), {} (LibTorch)\n", network, own.mean_loss(), peer.mean_loss());
  return difference < 0.01;
}

void time_libtorch(benchmark::State& state, const std::string& network, Index batch, int threads) {
  const Graph graph = new_network(network);
  TorchTrainer trainer(graph, data().samples(), kRows, batch, kLearningRate, threads);
  time_steps(state, trainer, batch, graph);
}

#endif

void register_network(const std::string& network) {
  constexpr Index kEvaluationBatch = 1024;
  benchmark::RegisterBenchmark(fmt::format("{}/{}/1/evaluate", network, kEvaluationBatch).c_str(),
                               time_evaluation, network, kEvaluationBatch)
      ->Unit(benchmark::kMicrosecond);
  if (std::thread::hardware_concurrency() > 1)
    for (const Index batch : {1024, 4096})
      benchmark::RegisterBenchmark(fmt::format("{}/{}/1/beside", network, batch).c_str(), time_beside_another,
                                   network, batch)
          ->Unit(benchmark::kMicrosecond);
  for (const int threads : {1, 2})
    for (const Index batch : {32, 64, 256, 1024, 4096}) {
      if (threads > 1 && batch < 1024) continue;
      const std::string name = fmt::format("{}/{}/{}/", network, batch, threads);
      const auto add = [&](const char* who, auto time) {
        auto* b = benchmark::RegisterBenchmark((name + who).c_str(), time, network, batch, threads);
        b->Unit(benchmark::kMicrosecond);
        if (threads > 1)
          b->UseRealTime();  // of one thread the processor time, which other programs disturb less
      };
      add("jsc", time_jsc);
#ifdef JSC_BENCH_LIBTORCH
      add("libtorch", time_libtorch);
#endif
    }
}

}  // namespace

}  // namespace jsc

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const char* network : {"jsc-tiny", "jsc-toy", "jsc-test", "jsc-hls4ml"}) {
#ifdef JSC_BENCH_LIBTORCH
    if (!jsc::learn_alike(network)) return 1;
#endif
    jsc::register_network(network);
  }
#ifdef JSC_X86_64
  if (jsc::detected_isa() != jsc::Isa::portable) benchmark::RegisterBenchmark("peak", jsc::time_peak);
#endif
  benchmark::RunSpecifiedBenchmarks();
}
