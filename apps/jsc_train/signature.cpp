// jsc-train --signature: one hash that stands for the behaviour of the whole training path. It must be the
// same on every processor, for every instruction set and number of threads; a commit that changes it says
// why.
#include <xxhash.h>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/data/emulator.hpp"
#include "apps/data/split.hpp"
#include "apps/jsc_train/commands.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

namespace {

// Layers of every kind that has arithmetic of its own, a skip connection, and sizes that straddle the
// kernels' tiles.
constexpr const char* kNetwork = R"(layers = [
  { type = "batch_norm" },
  { type = "linear", out = 19, name = "a" },
  { type = "relu" },
  { type = "linear", out = 19, name = "b" },
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
  Trainer trainer(graph, samples, split.train, options, execution);
  double losses = 0;
  while (!trainer.finished()) {
    trainer.step();
    if (trainer.epoch_complete()) losses += trainer.close_epoch().loss;
  }
  const Metrics test = Evaluator(graph, samples, execution).evaluate(split.test);
  const std::string everything =
      fmt::format("{} {:a} {:a} {:a}", state_hash(graph), losses, test.loss, test.accuracy);
  return fmt::format("{:016x}", XXH3_64bits(everything.data(), everything.size()));
}

}  // namespace jsc
