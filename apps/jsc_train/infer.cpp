// jsc-train infer: the class and the class probabilities of every row of a data set, to CSV or .npy.
#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <numeric>

#include "apps/checkpoint/integer_file.hpp"
#include "apps/checkpoint/trained_model.hpp"
#include "apps/data/writers.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/report/progress.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/training/train_settings.hpp"
#include "engine/gather.hpp"
#include "ops/softmax.hpp"
#include "quant/integer/network.hpp"

namespace jsc {

namespace {

// Where predictions go, batch by batch: probabilities[class][i].
class PredictionWriter {
 public:
  virtual ~PredictionWriter() = default;
  virtual void write(ConstMatrix probabilities, const std::vector<std::int32_t>& predicted) = 0;
  virtual void commit() = 0;
};

class CsvWriter final : public PredictionWriter {
 public:
  CsvWriter(const std::string& path, const std::vector<std::string>& classes) : file_(path) {
    for (const std::string& name : classes) classes_.push_back(csv_cell(name));
    text_ = fmt::format("class,{}\n", fmt::join(classes_, ","));
  }
  void write(ConstMatrix probabilities, const std::vector<std::int32_t>& predicted) override {
    for (Index i = 0; i < probabilities.cols; ++i) {
      text_ += classes_[static_cast<std::size_t>(predicted[static_cast<std::size_t>(i)])];
      for (Index c = 0; c < probabilities.rows; ++c)
        fmt::format_to(std::back_inserter(text_), ",{}", probabilities(c, i));
      text_ += '\n';
    }
    file_.write(text_.data(), text_.size());
    text_.clear();
  }
  void commit() override {
    file_.write(text_.data(), text_.size());
    file_.commit();
  }

 private:
  std::vector<std::string> classes_;  // as cells
  AtomicFile file_;
  std::string text_;
};

// A Python literal, as the header of a .npy file holds them.
std::string python_string(const std::string& text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + "'";
}

// A NumPy structured array: 'class' (int32) and one float32 field a class (numpy.lib.format, version 1.0).
class NpyWriter final : public PredictionWriter {
 public:
  NpyWriter(const std::string& path, const std::vector<std::string>& classes, Index rows) : file_(path) {
    std::string fields = "('class', '<i4')";
    for (const std::string& name : classes)
      fields += fmt::format(", ({}, '<f4')", python_string("p_" + name));
    std::string header =
        fmt::format("{{'descr': [{}], 'fortran_order': False, 'shape': ({},), }}", fields, rows);
    header.resize((header.size() + 1 + 10 + 63) / 64 * 64 - 11, ' ');
    header += '\n';
    if (header.size() > 0xFFFF)
      fail("{}: expected class names that fit a .npy header of 65535 bytes, found {}", path, header.size());
    const auto size = static_cast<std::uint16_t>(header.size());
    const char start[10] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(size & 0xFF), static_cast<char>(size >> 8)};
    file_.write(start, sizeof start);
    file_.write(header.data(), header.size());
  }
  void write(ConstMatrix probabilities, const std::vector<std::int32_t>& predicted) override {
    const auto record = static_cast<std::size_t>(probabilities.rows + 1) * 4;
    bytes_.resize(record * predicted.size());
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      std::byte* at = bytes_.data() + i * record;
      std::memcpy(at, &predicted[i], 4);
      for (Index c = 0; c < probabilities.rows; ++c)
        std::memcpy(at + 4 * (c + 1), &probabilities.row(c)[i], 4);
    }
    file_.write(bytes_.data(), bytes_.size());
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  std::vector<std::byte> bytes_;
};

struct InferCommand {
  std::string load, out;
  DataSettings data;
  ExecutionSettings execution;
  bool quiet = false;
  Settings settings;

  int run() {
    settings.resolve();
    if (out.empty()) fail("infer: --out is needed: a .csv or .npy file to write");
    const bool npy = out.ends_with(".npy");
    if (!npy && !out.ends_with(".csv")) fail("infer: --out should end in .csv or .npy, found '{}'", out);
    const Execution how = execution.execution();
    if (load.empty()) fail("--load is needed: a run folder, a checkpoint or an integer network");
    const std::string path = checkpoint_path(load);
    if (is_integer_network(path)) {
      const IntegerFile file = load_integer_network(path);
      Expectation expected{file.feature_names, file.class_names, {}};
      if (!file.scaler.mean.empty()) expected.scaler = file.scaler;
      const IntegerNetwork network(file.program);
      infer(expected, how, npy,
            [&](const Dataset& rows, PredictionWriter& writer) { predict(network, rows, how, writer); });
      return 0;
    }
    TrainedModel trained = open_trained_model(load);
    if (!trained.checkpoint)
      fail("{}: infer needs a checkpoint of jsc-train, which holds names, classes and scaler", trained.path);
    infer(trained.expectation(), how, npy, [&](const Dataset& rows, PredictionWriter& writer) {
      predict(trained.checkpoint->graph, rows, how, writer);
    });
    return 0;
  }

 private:
  template <class Predict>
  void infer(const Expectation& expected, const Execution& how, bool npy, const Predict& predict_rows) const {
    Dataset rows = load_rows(data, expected, LabelPolicy::optional, how.threads, quiet);
    if (expected.scaler) expected.scaler->apply(rows.x.get(), rows.rows, rows.features, how.threads);
    std::unique_ptr<PredictionWriter> writer;
    if (npy)
      writer = std::make_unique<NpyWriter>(out, expected.class_names, rows.rows);
    else
      writer = std::make_unique<CsvWriter>(out, expected.class_names);
    predict_rows(rows, *writer);
    writer->commit();
    if (!quiet) fmt::print("{}: classes and probabilities of {} rows\n", out, format_count(rows.rows));
  }

  // The classes come from the integers alone; the probabilities are the softmax of the logits that they stand
  // for.
  void predict(const IntegerNetwork& network, const Dataset& rows, const Execution& how,
               PredictionWriter& writer) const {
    constexpr Index kBlock = IntegerNetwork::kBlock;
    const IntegerValue& result = network.program().values[static_cast<std::size_t>(network.program().result)];
    std::vector<std::uint32_t> order(static_cast<std::size_t>(rows.rows));
    std::iota(order.begin(), order.end(), 0U);
    Tensor x(rows.features, kBlock), logits(result.features, kBlock);
    std::vector<std::int64_t> raw(static_cast<std::size_t>(result.features * kBlock));
    IntegerNetwork::Workspace workspace(network);
    std::vector<std::int32_t> predicted;
    Progress progress("inferring", rows.rows, "rows", quiet);
    const auto part = [](Tensor& tensor, Index n) {
      return Matrix{tensor.view().data, tensor.rows(), n, tensor.view().stride};
    };
    for (Index first = 0; first < rows.rows; first += kBlock) {
      const Index n = std::min(kBlock, rows.rows - first);
      gather_rows(how, rows.x.get(), rows.features, order.data() + first, part(x, n));
      network.run(how.isa, part(x, n), workspace);
      predicted.resize(static_cast<std::size_t>(n));
      network.argmax(how.isa, workspace, n, predicted.data());
      workspace.read(network.program().result, n, raw.data(), kBlock);
      for (Index c = 0; c < result.features; ++c)
        for (Index i = 0; i < n; ++i)
          logits(c, i) = static_cast<float>(
              fixed::to_double(raw[static_cast<std::size_t>(c * kBlock + i)], result.fraction));
      softmax_forward(how, part(logits, n), part(logits, n));
      writer.write(part(logits, n), predicted);
      progress.update(first + n);
    }
  }

  void predict(const Graph& graph, const Dataset& rows, const Execution& how,
               PredictionWriter& writer) const {
    std::vector<std::uint32_t> order(static_cast<std::size_t>(rows.rows));
    std::iota(order.begin(), order.end(), 0U);
    Evaluator evaluator(graph, {rows.x.get(), rows.features, nullptr}, how);
    Progress progress("inferring", rows.rows, "rows", quiet);
    Tensor probabilities(static_cast<Index>(graph.result().features), Evaluator::kBatch);
    std::vector<std::int32_t> predicted;
    evaluator.forward(order, [&](ConstMatrix logits, Index first) {
      Matrix p = probabilities.view();
      p.cols = logits.cols;
      softmax_forward(how, logits, p);
      predicted.assign(static_cast<std::size_t>(logits.cols), 0);
      for (Index c = 1; c < logits.rows; ++c)
        for (Index i = 0; i < logits.cols; ++i)
          if (logits(c, i) > logits(predicted[static_cast<std::size_t>(i)], i))
            predicted[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(c);
      writer.write(p, predicted);
      progress.update(first + logits.cols);
    });
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
