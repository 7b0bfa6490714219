// jsc-train --signature: one hash that stands for the behaviour of the whole program: training in float,
// training of a quantized network, lowering, and what its integers give. It must be the same on every
// processor, for every instruction set and number of threads; a commit that changes it says why.
#include <xxhash.h>

#include <numeric>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/data/emulator.hpp"
#include "apps/data/split.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/transform/pass_list.hpp"
#include "engine/gather.hpp"
#include "graph/state_dict.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"

namespace jsc {

namespace {

// Layers of every kind that has arithmetic of its own, a skip connection, and sizes that straddle the
// kernels' tiles.
constexpr const char* kNetwork = R"(layers = [
  { type = "batch_norm" },
  { type = "linear", out = 37, name = "a" },
  { type = "relu" },
  { type = "linear", out = 37, name = "b" },
  { type = "leaky_relu" },
  { type = "add", inputs = ["a", "b"] },
  { type = "hardtanh", min = -4, max = 4 },
  { type = "dropout", p = 0.1 },
  { type = "linear", out = 7 },
  { type = "tanh" },
  { type = "linear", out = 7 },
  { type = "sigmoid" },
  { type = "linear", out = "classes" },
  { type = "softmax" },
]
)";

// Only what can be quantized.
constexpr const char* kIntegerNetwork = R"(layers = [
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 19, name = "a" },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 19, name = "b" },
  { type = "add", inputs = ["a", "b"] },
  { type = "linear", out = "classes" },
]
)";

MetaValue quantization(int width, int fraction) {
  MetaValue config = {{"name", "integer"}};
  for (const char* tensor : {"data_in", "weight", "bias"}) {
    config[fmt::format("{}_width", tensor)] = width;
    config[fmt::format("{}_frac_width", tensor)] = fraction;
  }
  return {{"by", "type"}, {"default", {{"config", config}}}};
}

// Loss of the epochs and of the test rows.
std::string train(Graph& graph, const Samples& samples, const Split& split, const TrainingOptions& options,
                  const Execution& execution) {
  Trainer trainer(graph, samples, split.train, options, execution);
  double losses = 0;
  while (!trainer.finished()) {
    trainer.step();
    if (trainer.epoch_complete()) losses += trainer.close_epoch().loss;
  }
  const Metrics test = Evaluator(graph, samples, execution).evaluate(split.test);
  return fmt::format("{} {:a} {:a} {:a}", state_hash(graph), losses, test.loss, test.accuracy);
}

// Sum over the first rows of each result, times its place.
std::string run_integers(const IntegerProgram& program, const Samples& samples, const Execution& execution) {
  const IntegerNetwork network(program);
  IntegerNetwork::Workspace workspace(network);
  Tensor x(samples.features, IntegerNetwork::kBlock);
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(IntegerNetwork::kBlock));
  std::iota(rows.begin(), rows.end(), 0U);
  gather_rows(execution, samples.x, samples.features, rows.data(), x.view());
  network.run(execution.isa, x.view(), workspace);
  std::uint64_t sum = 0, place = 1;
  for (Index c = 0; c < program.result_features(); ++c)
    for (Index i = 0; i < IntegerNetwork::kBlock; ++i)
      sum += place++ * static_cast<std::uint64_t>(workspace.at(program.result, c, i));
  return fmt::format("{} {:x}", program_hash(program), sum);
}

}  // namespace

std::string training_signature(const std::string& cpu_mask, int threads) {
  const Execution execution{masked_isa(cpu_mask), threads, false};
  Dataset data = emulated_dataset(9001, 7, threads);
  const Split split = split_rows(data.rows);
  fit_scaler(data.x.get(), data.features, split.train).apply(data.x.get(), data.rows, data.features, threads);
  Graph graph =
      build_model({"signature", kNetwork}, data.features, static_cast<Index>(data.class_names.size()));
  graph.initialize(1);

  TrainingOptions options;
  options.batch_size = 1100;  // three blocks of samples, and a shorter last batch
  options.max_epochs = 2;
  options.schedule.name = "cosine";
  options.loss.label_smoothing = 0.1F;
  options.l1 = 1e-4;
  options.clip_norm = 1;
  const Samples samples{data.x.get(), data.features, data.labels.data()};
  std::string everything = train(graph, samples, split, options, execution);

  for (const auto& [width, fraction] : {std::pair{8, 4}, std::pair{16, 10}}) {
    Graph quantized = build_model({"signature", kIntegerNetwork}, data.features,
                                  static_cast<Index>(data.class_names.size()));
    quantized.initialize(2);
    PassArguments arguments;
    arguments.options = quantization(width, fraction);
    run_pass(find_pass("quantize"), quantized, arguments);
    everything += " " + train(quantized, samples, split, options, execution);
    everything += " " + run_integers(lower(quantized), samples, execution);
  }
  return fmt::format("{:016x}", XXH3_64bits(everything.data(), everything.size()));
}

}  // namespace jsc
