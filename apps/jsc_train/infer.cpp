// jsc-train infer: the class and the class probabilities of every row of a data set, to CSV or .npy.
#include <fmt/compile.h>
#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>

#include "apps/checkpoint/integer_file.hpp"
#include "apps/checkpoint/trained_model.hpp"
#include "apps/data/writers.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/progress.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/interrupt.hpp"
#include "apps/training/train_settings.hpp"
#include "engine/gather.hpp"
#include "engine/threads.hpp"
#include "ops/softmax.hpp"
#include "quant/integer/inference.hpp"

namespace jsc {

namespace {

// Thrown so that what was written is removed on the way out: predictions that stop anywhere are of no use.
struct Interrupted {};

void stop_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

// Where predictions go: encoded batch by batch, by several threads if wanted, and written in order.
class PredictionWriter {
 public:
  explicit PredictionWriter(const std::string& path) : file_(path) {}
  virtual ~PredictionWriter() = default;
  // Appends probabilities[class][i] and predicted[i] as the file has them.
  virtual void encode(ConstMatrix probabilities, const std::int32_t* predicted, std::string& bytes) const = 0;
  void write(const std::string& bytes) { file_.write(bytes); }
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
};

class CsvWriter final : public PredictionWriter {
 public:
  CsvWriter(const std::string& path, const std::vector<std::string>& classes) : PredictionWriter(path) {
    for (const std::string& name : classes) classes_.push_back(csv_cell(name));
    write(fmt::format("class,{}\n", fmt::join(classes_, ",")));
  }
  void encode(ConstMatrix probabilities, const std::int32_t* predicted, std::string& bytes) const override {
    for (Index i = 0; i < probabilities.cols; ++i) {
      bytes += classes_[static_cast<std::size_t>(predicted[i])];
      for (Index c = 0; c < probabilities.rows; ++c)
        fmt::format_to(std::back_inserter(bytes), FMT_COMPILE(",{}"), probabilities(c, i));
      bytes += '\n';
    }
  }

 private:
  std::vector<std::string> classes_;  // as cells
};

// A Python literal, as the header of a .npy file holds them.
std::string python_string(const std::string& text) {
  std::string literal = "'";
  for (const char c : text) {
    if (const auto byte = static_cast<unsigned char>(c); byte < ' ' || byte == 0x7F)
      literal += fmt::format("\\x{:02x}", byte);
    else if (c == '\'' || c == '\\')
      literal += {'\\', c};
    else
      literal += c;
  }
  return literal + "'";
}

// A NumPy structured array: 'class' (int32) and one float32 field a class (numpy.lib.format). Version 1.0, or
// 3.0 where the header is too long for that or not ASCII: 1.0 is Latin-1, 3.0 UTF-8, as names are.
class NpyWriter final : public PredictionWriter {
 public:
  NpyWriter(const std::string& path, const std::vector<std::string>& classes, Index rows)
      : PredictionWriter(path) {
    std::string fields = "('class', '<i4')";
    for (const std::string& name : classes)
      fields += fmt::format(", ({}, '<f4')", python_string("p_" + name));
    std::string header =
        fmt::format("{{'descr': [{}], 'fortran_order': False, 'shape': ({},), }}", fields, rows);
    const bool ascii =
        std::ranges::all_of(header, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const bool plain = ascii && header.size() < 0xFF00;  // with room for padding
    const std::size_t size_bytes = plain ? 2 : 4, start = 8 + size_bytes;
    header.resize((start + header.size() + 1 + 63) / 64 * 64 - start - 1, ' ');
    header += '\n';
    std::string bytes = "\x93NUMPY";
    bytes += {plain ? '\1' : '\3', '\0'};
    for (std::size_t i = 0; i < size_bytes; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
    write(bytes + header);
  }
  void encode(ConstMatrix probabilities, const std::int32_t* predicted, std::string& bytes) const override {
    const auto add = [&](const void* number) { bytes.append(static_cast<const char*>(number), 4); };
    for (Index i = 0; i < probabilities.cols; ++i) {
      add(&predicted[i]);
      for (Index c = 0; c < probabilities.rows; ++c) add(&probabilities.row(c)[i]);
    }
  }
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One thread's part of an integer network's predictions: rows in, encoded predictions out.
class IntegerWorker {
 public:
  IntegerWorker(const IntegerInference& network, const Dataset& rows, Isa isa)
      : network_(network),
        rows_(rows),
        execution_{isa, 1, false},
        workspace_(network),
        x_(rows.features, kBlock),
        logits_(network.result_features(), kBlock),
        raw_(static_cast<std::size_t>(network.result_features() * kBlock)),
        scale_(fixed::to_double(1, network.result_fraction())) {}

  // The classes come from the integers alone; the probabilities are the softmax of the logits that they stand
  // for.
  void predict(Index begin, Index end, const PredictionWriter& writer) {
    bytes.clear();
    for (Index first = begin; first < end; first += kBlock) {
      const Clock::time_point start = Clock::now();
      const Index n = std::min(kBlock, end - first);
      std::iota(order_, order_ + n, static_cast<std::uint32_t>(first));
      const Matrix x = part(x_, n), logits = part(logits_, n);
      gather_rows(execution_, rows_.x.get(), rows_.features, order_, x);
      network_.run(x, workspace_);
      network_.argmax(workspace_, n, classes_);
      network_.read(workspace_, n, raw_.data(), kBlock);
      for (Index c = 0; c < logits.rows; ++c)
        for (Index i = 0; i < n; ++i)
          logits(c, i) = static_cast<float>(
              static_cast<double>(raw_[static_cast<std::size_t>(c * kBlock + i)]) * scale_);
      softmax_forward(execution_, logits, logits);
      inferring += seconds_since(start);
      writer.encode(logits, classes_, bytes);
    }
  }

  std::string bytes;
  double inferring = 0;  // seconds

 private:
  static constexpr Index kBlock = IntegerInference::kBlock;
  static Matrix part(Tensor& tensor, Index n) {
    return {tensor.view().data, tensor.rows(), n, tensor.view().stride};
  }

  const IntegerInference& network_;
  const Dataset& rows_;
  Execution execution_;
  IntegerInference::Workspace workspace_;
  Tensor x_, logits_;
  std::vector<std::int64_t> raw_;
  double scale_;
  std::uint32_t order_[kBlock];
  std::int32_t classes_[kBlock];
};

struct InferCommand {
  std::string load, out;
  DataSettings data;
  ExecutionSettings execution;
  bool quiet = false;
  Settings settings;

  int run() {
    try {
      infer();
      return 0;
    } catch (const Interrupted&) {
      fmt::print(stderr, "interrupted: {} is not written\n", out);
      return 130;
    }
  }

 private:
  void infer() {
    settings.resolve();
    if (out.empty()) fail("infer: --out is needed: a .csv or .npy file to write");
    const bool npy = out.ends_with(".npy");
    if (!npy && !out.ends_with(".csv")) fail("infer: --out should end in .csv or .npy, found '{}'", out);
    for (const std::string& file : data_files(data.data)) {
      std::error_code error;  // of a file that is not there
      if (std::filesystem::equivalent(out, file, error))
        fail("infer: --out {} is a file that --data reads: choose another name", out);
    }
    const Execution how = execution.execution();
    if (load.empty()) fail("--load is needed: a run folder, a checkpoint or an integer network");
    const std::string path = checkpoint_path(load);
    if (is_integer_network(path)) {
      const IntegerFile file = load_integer_network(path);
      Expectation expected{file.feature_names, file.class_names, {}};
      if (!file.scaler.mean.empty()) expected.scaler = file.scaler;
      const IntegerInference network(file.program, how.isa);
      infer(expected, how, npy, [&](const Dataset& rows, PredictionWriter& writer) {
        return predict(network, rows, how, writer);
      });
      return;
    }
    TrainedModel trained = open_trained_model(load);
    if (!trained.checkpoint)
      fail("{}: infer needs a checkpoint of jsc-train, which holds names, classes and scaler", trained.path);
    infer(trained.expectation(), how, npy, [&](const Dataset& rows, PredictionWriter& writer) {
      return predict(trained.checkpoint->graph, rows, how, writer);
    });
  }

  template <class Predict>
  void infer(const Expectation& expected, const Execution& how, bool npy, const Predict& predict_rows) const {
    const Clock::time_point start = Clock::now();
    Dataset rows = load_rows(data, expected, LabelPolicy::optional, how.threads, quiet);
    if (expected.scaler) expected.scaler->apply(rows.x.get(), rows.rows, rows.features, how.threads);
    const double reading = seconds_since(start);
    catch_interrupts();
    std::unique_ptr<PredictionWriter> writer;
    if (npy)
      writer = std::make_unique<NpyWriter>(out, expected.class_names, rows.rows);
    else
      writer = std::make_unique<CsvWriter>(out, expected.class_names);
    const double inferring = predict_rows(rows, *writer);
    writer->commit();
    const double all = seconds_since(start);
    if (!quiet)
      fmt::print(
          "{}: classes and probabilities of {} rows in {:.2f} s: {:.0f} % reading, {:.0f} % inferring, "
          "{:.0f} % writing\n",
          out, format_count(rows.rows), all, 100 * reading / all, 100 * inferring / all,
          100 * (all - reading - inferring) / all);
  }

  // These return the seconds that the network took.
  double predict(const IntegerInference& network, const Dataset& rows, const Execution& how,
                 PredictionWriter& writer) const {
    constexpr Index kRun = 8192;  // rows of a thread between two writes
    std::vector<std::unique_ptr<IntegerWorker>> workers;
    for (int t = 0; t < how.threads; ++t)
      workers.push_back(std::make_unique<IntegerWorker>(network, rows, how.isa));
    Progress progress("inferring", rows.rows, "rows", quiet);
    for (Index first = 0; first < rows.rows; first += how.threads * kRun) {
      parallel_for(how.threads, how.threads, [&](Index t) {
        const Index begin = std::min(first + t * kRun, rows.rows);
        workers[static_cast<std::size_t>(t)]->predict(begin, std::min(begin + kRun, rows.rows), writer);
      });
      stop_if_interrupted();
      for (const auto& worker : workers) writer.write(worker->bytes);
      progress.update(std::min(first + how.threads * kRun, rows.rows));
    }
    double seconds = 0;  // the threads' work lies side by side
    for (const auto& worker : workers) seconds += worker->inferring / how.threads;
    return seconds;
  }

  // The classes are those of float32 logits: of a quantized network, sums of more than 24 bits may be equal
  // here and not as integers, which the network of the same run has.
  double predict(const Graph& graph, const Dataset& rows, const Execution& how,
                 PredictionWriter& writer) const {
    const Clock::time_point start = Clock::now();
    double writing = 0;
    std::string bytes;
    std::vector<std::uint32_t> order(static_cast<std::size_t>(rows.rows));
    std::iota(order.begin(), order.end(), 0U);
    Evaluator evaluator(graph, {rows.x.get(), rows.features, nullptr}, how);
    Progress progress("inferring", rows.rows, "rows", quiet);
    Tensor probabilities(static_cast<Index>(graph.result().features), Evaluator::kBatch);
    std::vector<std::int32_t> predicted;
    evaluator.forward(order, [&](ConstMatrix logits, Index first) {
      stop_if_interrupted();
      Matrix p = probabilities.view();
      p.cols = logits.cols;
      softmax_forward(how, logits, p);
      predicted.assign(static_cast<std::size_t>(logits.cols), 0);
      for (Index c = 1; c < logits.rows; ++c)
        for (Index i = 0; i < logits.cols; ++i)
          if (logits(c, i) > logits(predicted[static_cast<std::size_t>(i)], i))
            predicted[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(c);
      const Clock::time_point computed = Clock::now();
      bytes.clear();
      writer.encode(p, predicted.data(), bytes);
      writer.write(bytes);
      writing += seconds_since(computed);
      progress.update(first + logits.cols);
    });
    return seconds_since(start) - writing;
  }
};

}  // namespace

Action add_infer(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("infer", "write the class and class probabilities of every row of a data set");
  app->footer(
      "Example: jsc-train infer --load runs/jsc-toy_2026-11-23_1 --data jets.csv --out predictions.csv\n"
      "The data needs the features that the model was trained on, by name where there are names; labels are "
      "not needed.\n"
      "A .npy file holds records: the field 'class' (index) and 'p_NAME' for each class.");
  auto command = std::make_shared<InferCommand>();
  Settings& settings = command->settings;
  settings.add("load", &command->load,
               "run folder (its best checkpoint), checkpoint, or integer network (verify writes it)");
  settings.add("out", &command->out, "file to write, .csv or .npy");
  settings.add("data", &command->data.data,
               "emulated[:ROWS[:SEED]], or a CSV, ARFF, HDF5, .npy or .npz file");
  settings.add("label", &command->data.label, "label column to leave out (found if not given)");
  settings.add("non_finite", &command->data.non_finite, "rows with a missing or non-finite cell")
      .choices({"error", "drop"});
  command->execution.add_to(settings);
  settings.add("quiet", &command->quiet, "print errors only");
  settings.add_flags(*app);
  return [command] { return command->run(); };
}

}  // namespace jsc
