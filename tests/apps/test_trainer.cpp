#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>

#include "apps/data/emulator.hpp"
#include "apps/models/model.hpp"
#include "apps/support/mapped_file.hpp"
#include "apps/training/prepared_data.hpp"
#include "apps/training/run_folder.hpp"
#include "apps/training/trainer.hpp"
#include "graph/state_dict.hpp"
#include "quant/passes/passes.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;

namespace {

PreparedData jets(const std::string& spec) {
  DataSettings settings;
  settings.data = spec;
  return prepare_data(settings, {}, 1, true);
}

TrainingOptions options_for(Index epochs, Index batch) {
  TrainingOptions options;
  options.max_epochs = epochs;
  options.batch_size = batch;
  options.schedule.name = "cosine";
  return options;
}

Graph network(const std::string& name) {
  Graph graph = build_model(find_model(name), 16, 5);
  graph.initialize(1);
  return graph;
}

}  // namespace

TEST_CASE("an epoch visits every training row once") {
  const PreparedData data = jets("emulated:1000");
  Graph graph = network("jsc-tiny");
  Trainer trainer(graph, data.samples(), data.split.train, options_for(2, 64), {});
  CHECK(trainer.batches_per_epoch() == (720 + 63) / 64);
  while (!trainer.finished()) {
    trainer.step();
    if (trainer.epoch_complete()) CHECK(trainer.close_epoch().samples == 720);
  }
  CHECK(trainer.position().step == 2 * trainer.batches_per_epoch());
}

TEST_CASE("the training loss is the mean over the epoch's rows, not over its batches") {
  const PreparedData data = jets("emulated:1000");
  Graph graph = network("jsc-hls4ml");  // no batch norm: the loss of a row does not depend on its batch
  TrainingOptions options = options_for(1, 700);  // batches of 700 and 20
  options.schedule.rate = 1e-30;
  options.schedule.name = "constant";
  Trainer trainer(graph, data.samples(), data.split.train, options, {});
  while (!trainer.epoch_complete()) trainer.step();
  const double loss = trainer.close_epoch().loss;
  CHECK(loss == Approx(Evaluator(graph, data.samples(), {}).evaluate(data.split.train).loss).epsilon(1e-6));
}

TEST_CASE("training learns, and reaches the same bits with any threads and kernels") {
  const PreparedData data = jets("emulated:9000:2");
  std::string wanted;
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 2}) {
      const Execution execution{isa, threads, false};
      Graph graph = network("jsc-toy");
      // 35 steps of 1,100, more than the 32 that are tried with all threads and with one
      Trainer trainer(graph, data.samples(), data.split.train, options_for(7, 1100), execution);
      std::vector<double> losses;
      while (!trainer.finished()) {
        trainer.step();
        if (trainer.epoch_complete()) losses.push_back(trainer.close_epoch().loss);
      }
      CHECK(losses.back() < losses[0]);
      if (wanted.empty()) wanted = state_hash(graph);
      CHECK(state_hash(graph) == wanted);
    }
  }
}

TEST_CASE("a batch of one that batch norm cannot train on is told before training") {
  const PreparedData data = jets("emulated:1000");  // 720 training rows
  Graph graph = network("jsc-tiny");
  CHECK_THROWS_WITH(Trainer(graph, data.samples(), data.split.train, options_for(1, 719), {}),
                    Catch::Contains("720 rows in batches of 719 make a batch of one"));
  Graph plain = network("jsc-hls4ml");
  CHECK_NOTHROW(Trainer(plain, data.samples(), data.split.train, options_for(1, 719), {}));
}

TEST_CASE("the penalty l1 holds for every weight that is multiplied with, quantized or not") {
  const PreparedData data = jets("emulated:1000");
  const std::string layer = GENERATE("linear", "matmul");
  for (const bool quantized : {false, true}) {
    CAPTURE(layer, quantized);
    const auto sum_after = [&](double l1) {
      Graph graph =
          build_model({"net", "layers = [ { type = \"" + layer + "\", out = 5, name = \"a\" } ]"}, 16, 5);
      graph.initialize(1);
      PassArguments arguments;
      MetaValue config = {{"name", "integer"}};
      for (const char* tensor : {"data_in", "weight", "bias"}) {
        config[std::string(tensor) + "_width"] = 12;
        config[std::string(tensor) + "_frac_width"] = 8;
      }
      arguments.options = {{"by", "type"}, {"default", {{"config", config}}}};
      if (quantized) run_pass(quant_passes()[0], graph, arguments);
      TrainingOptions options = options_for(1, 100);
      options.l1 = l1;
      Trainer trainer(graph, data.samples(), data.split.train, options, {});
      while (!trainer.epoch_complete()) trainer.step();
      const Matrix weight = graph.find_module("a")->parameters()[0].value;
      double sum = 0;
      for (Index i = 0; i < weight.size(); ++i) sum += std::fabs(weight.data[i]);
      return sum;
    };
    CHECK(sum_after(1.0) < 0.99 * sum_after(0.0));
  }
}

TEST_CASE("a loss that is not finite stops the training, names the step and leaves the weights") {
  PreparedData data = jets("emulated:1000");
  Graph graph = network("jsc-hls4ml");
  for (Index i = 0; i < data.data.rows * data.data.features; ++i)
    data.data.x[static_cast<std::size_t>(i)] = NAN;
  Trainer trainer(graph, data.samples(), data.split.train, options_for(1, 100), {});
  const std::string before = state_hash(graph);
  CHECK_THROWS_AS(trainer.step(), DivergedError);
  CHECK(state_hash(graph) == before);
}

TEST_CASE("a batch whose classes all weigh nothing is told before it makes the weights NaN") {
  const PreparedData data = jets("emulated:1000");
  Graph graph = network("jsc-tiny");
  TrainingOptions options = options_for(1, 2);
  options.loss.class_weights = {1, 0, 0, 0, 0};
  Trainer trainer(graph, data.samples(), data.split.train, options, {});
  CHECK_THROWS_WITH(([&] {
                      while (!trainer.epoch_complete()) trainer.step();
                    }()),
                    Catch::Contains("weight 0"));
  for (Index i = 0; i < graph.block.size; ++i) REQUIRE(std::isfinite(graph.block.values[i]));
}

TEST_CASE("metrics read back to the last digit") {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::plan(folder / "run", "m");
  run.make();
  const std::vector<EpochMetrics> written = {{0, 1e-3, 1.0 / 3, 0.1, 2.0 / 7, 0.7, 0.5, 1e6},
                                             {1, 5e-4, 0.3, 0.2, 0.25, 0.75, 0.25, 2e6}};
  run.write_metrics(written);
  const std::vector<EpochMetrics> read = run.read_metrics();
  REQUIRE(read.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(read[i].train_loss == written[i].train_loss);
    CHECK(read[i].val_loss == written[i].val_loss);
    CHECK(read[i].learning_rate == written[i].learning_rate);
  }
  run.write("metrics.csv", "epoch\n1,2,x\n");
  CHECK_THROWS_WITH(run.read_metrics(), Catch::Contains("line 1: expected 8 numbers"));
}

TEST_CASE("of two runs that found a folder free the one that claims it later is refused") {
  const TemporaryFolder folder;
  const RunFolder first = RunFolder::plan(folder / "run", "m"), second = RunFolder::plan(folder / "run", "m");
  first.make();
  first.claim("seed = 1\n");
  CHECK_THROWS_WITH(second.claim("seed = 2\n"), Catch::Contains("already holds a run"));
  CHECK(MappedFile(first.file("config.toml")).bytes() == "seed = 1\n");
}

TEST_CASE("a network trained on emulated jets recognises real ones") {
  const std::string path = std::string(JSC_PROJECT_ROOT) + "/../shared/jsc/jets_1000.csv";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: no file of real jets beside the project");
    return;
  }
  const PreparedData data = jets("emulated:200000");
  Graph graph = network("jsc-hls4ml");
  Trainer trainer(graph, data.samples(), data.split.train, options_for(10, 256), {detected_isa(), 2, true});
  while (!trainer.finished()) {
    trainer.step();
    if (trainer.epoch_complete()) trainer.close_epoch();
  }
  LoadOptions options;
  options.feature_names = data.data.feature_names;
  options.class_order = data.data.class_names;
  Dataset real = load_dataset(path, options);
  data.scaler.apply(real.x.get(), real.rows, real.features);
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(real.rows));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(i);
  const Metrics metrics =
      Evaluator(graph, {real.x.get(), real.features, real.labels.data()}, {}).evaluate(rows);
  CHECK(metrics.accuracy >= 0.70);
}
