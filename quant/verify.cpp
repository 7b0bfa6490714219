#include "quant/verify.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>

#include "engine/threads.hpp"
#include "graph/executor.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/inference.hpp"
#include "quant/integer/network.hpp"
#include "quant/integer/range_analysis.hpp"
#include "quant/integer/reference.hpp"
#include "quant/ledger.hpp"

namespace jsc {

namespace {

constexpr Index kBlock = IntegerNetwork::kBlock;

bool is_parameter(const std::string& name) {
  return name.ends_with(".weight") || name.ends_with(".bias");
}

// The tape's annotation of each value of the program.
std::vector<const Annotation*> match_values(const Tape& tape, const IntegerProgram& program) {
  std::vector<const Annotation*> found;
  for (const Annotation& annotation : tape.annotations())
    if (!is_parameter(annotation.name)) found.push_back(&annotation);
  if (found.size() != program.values.size())
    fail("verify: the graph has {} values and the integer network {}", found.size(), program.values.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const IntegerValue& value = program.values[i];
    if (found[i]->name != value.name || tape.value(found[i]->variable).rows != value.features)
      fail("verify: the graph has the value '{}' where the integer network has '{}'", found[i]->name,
           value.name);
  }
  return found;
}

// All that one thread needs; made once.
class Worker {
 public:
  Worker(const Graph& graph, const IntegerNetwork& network, const IntegerInference& inference, Isa isa,
         bool with_ledger)
      : network_(network),
        inference_(inference),
        tape_(Execution{isa, 1, false}, Tape::Gradients::none),
        recording_(record(graph, tape_, kBlock, Mode::evaluate)),
        annotations_(match_values(tape_, network.program())),
        workspace_(network),
        inference_workspace_(inference),
        isa_(isa) {
    const IntegerProgram& program = network.program();
    for (const IntegerValue& value : program.values) {
      reference_.emplace_back(static_cast<std::size_t>(value.features * kBlock));
      pointers_.push_back(reference_.back().data());
    }
    if (with_ledger) ledger_ = std::make_unique<Ledger>(program, isa);
  }

  void run(const InputGenerator& source, Index first, Index n) {
    const Matrix x = tape_.value(recording_.input);
    const Matrix part{x.data, x.rows, n, x.stride};
    source.fill(first, part);
    tape_.forward();
    network_.run(isa_, part, workspace_);
    const IntegerProgram& program = network_.program();
    for (const IntegerInput& input : program.inputs) {
      const Index features = program.input_features();
      for (Index f = 0; f < features; ++f)
        for (Index i = 0; i < n; ++i)
          pointers_[static_cast<std::size_t>(input.value)][i * features + f] =
              static_cast<std::int64_t>(fixed::from_double(part(f, i), input.format));
    }
    run_reference(program, n, pointers_.data());
    for (std::size_t v = 0; v < annotations_.size(); ++v) compare(static_cast<int>(v), first, n);
    compare_inference(part, first);
    if (ledger_) ledger_->add(part, pointers_.data());
  }

  std::int64_t compared = 0, mismatches = 0;
  std::optional<Divergence> first_divergence;
  const Ledger* ledger() const { return ledger_.get(); }

 private:
  void compare(int v, Index first, Index n) {
    const IntegerValue& value = network_.program().values[static_cast<std::size_t>(v)];
    const Annotation& annotation = *annotations_[static_cast<std::size_t>(v)];
    const Matrix floats = tape_.value(annotation.variable);
    const double scale = std::ldexp(1.0, value.fraction);
    const std::int64_t* reference = pointers_[static_cast<std::size_t>(v)];
    expected_.resize(static_cast<std::size_t>(n));
    vectorized_.resize(static_cast<std::size_t>(value.features * kBlock));
    workspace_.read(v, n, vectorized_.data(), kBlock);
    for (Index f = 0; f < value.features; ++f) {
      const float* row = floats.row(f);
      bool same = true;
      for (Index i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i);
        // A float of the tape times 2^fraction is an integer, or else the graph is not on the grid: then the
        // fractional part is lost here and `on_grid` says so.
        const double scaled = row[i] * scale;
        expected_[k] = annotation.raw != nullptr ? annotation.raw[f * floats.stride + i]
                                                 : static_cast<std::int64_t>(scaled);
        const bool on_grid = annotation.raw != nullptr || static_cast<double>(expected_[k]) == scaled;
        same &= on_grid && expected_[k] == reference[i * value.features + f] &&
                expected_[k] == vectorized_[static_cast<std::size_t>(f * kBlock) + k];
      }
      compared += n;
      if (same) continue;
      for (Index i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const std::int64_t a = reference[i * value.features + f];
        const std::int64_t b = vectorized_[static_cast<std::size_t>(f * kBlock) + k];
        const bool on_grid = annotation.raw != nullptr || static_cast<double>(expected_[k]) == row[i] * scale;
        if (on_grid && expected_[k] == a && expected_[k] == b) continue;
        ++mismatches;
        if (!first_divergence || first + i < first_divergence->sample)
          first_divergence =
              describe(v, f, first, i, a != expected_[k] || !on_grid ? "reference" : "vectorized",
                       expected_[k], a != expected_[k] ? a : b);
      }
    }
  }

  // What infer gives, against the reference: the result alone is there to compare.
  void compare_inference(Matrix x, Index first) {
    const int v = network_.program().result;
    const Index features = inference_.result_features();
    const std::int64_t* reference = pointers_[static_cast<std::size_t>(v)];
    vectorized_.resize(static_cast<std::size_t>(features * kBlock));
    for (Index begin = 0; begin < x.cols; begin += IntegerInference::kBlock) {
      const Index n = std::min(IntegerInference::kBlock, x.cols - begin);
      inference_.run({x.data + begin, x.rows, n, x.stride}, inference_workspace_);
      inference_.read(inference_workspace_, n, vectorized_.data(), kBlock);
      for (Index f = 0; f < features; ++f)
        for (Index i = 0; i < n; ++i) {
          const std::int64_t expected = reference[(begin + i) * features + f];
          const std::int64_t found = vectorized_[static_cast<std::size_t>(f * kBlock + i)];
          if (expected == found) continue;
          ++mismatches;
          if (!first_divergence || first + begin + i < first_divergence->sample)
            first_divergence = describe(v, f, first, begin + i, "inference", expected, found);
        }
    }
  }

  Divergence describe(int v, Index feature, Index first, Index i, const char* executor, std::int64_t expected,
                      std::int64_t found) const {
    const auto difference = static_cast<std::uint64_t>(expected ^ found);
    Divergence divergence{
        first + i, network_.program().values[static_cast<std::size_t>(v)].name, executor, feature, expected,
        found,     difference == 0 ? 0 : std::countr_zero(difference),          {}};
    const IntegerProgram& program = network_.program();
    for (const IntegerStep& step : program.steps)
      if (step.output == v) divergence.operands = operands_of(program, step, feature, i, pointers_.data());
    return divergence;
  }

  const IntegerNetwork& network_;
  const IntegerInference& inference_;
  Tape tape_;
  Recording recording_;
  std::vector<const Annotation*> annotations_;
  IntegerNetwork::Workspace workspace_;
  IntegerInference::Workspace inference_workspace_;
  Isa isa_;
  std::vector<std::vector<std::int64_t>> reference_;
  std::vector<std::int64_t*> pointers_;
  std::vector<std::int64_t> expected_, vectorized_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

VerifyReport verify_program(const Graph& graph, const IntegerProgram& program, const InputGenerator& samples,
                            const VerifyOptions& options) {
  const IntegerNetwork network(program);
  const IntegerInference inference(program, options.execution.isa);
  if (samples.rows() < 1) fail("verify: there are no samples");
  if (samples.features() != program.input_features())
    fail("verify: expected samples of {} features, found {}", program.input_features(), samples.features());
  const Index blocks = (samples.rows() + kBlock - 1) / kBlock;
  const int threads =
      static_cast<int>(std::clamp<Index>(options.execution.threads, 1, std::max<Index>(blocks, 1)));
  std::vector<std::unique_ptr<Worker>> workers;
  for (int t = 0; t < threads; ++t)
    workers.push_back(
        std::make_unique<Worker>(graph, network, inference, options.execution.isa, options.ledger));

  std::atomic<Index> next{0}, done{0};
  std::atomic<bool> stop{false};
  parallel_for(threads, threads, [&](Index t) {
    Worker& worker = *workers[static_cast<std::size_t>(t)];
    for (Index block = next++; block < blocks && !stop; block = next++) {
      const Index first = block * kBlock;
      const Index n = std::min(kBlock, samples.rows() - first);
      worker.run(samples, first, n);
      done += n;
      if (options.stop_at_mismatch && worker.mismatches > 0) stop = true;
      if (t == 0 && options.progress) options.progress(done, samples.rows());
    }
  });

  VerifyReport report;
  report.samples = done;
  report.word_bits = network.word_bits();
  for (const auto& worker : workers) {
    report.compared += worker->compared;
    report.mismatches += worker->mismatches;
    const auto& other = worker->first_divergence;
    if (other && (!report.first || other->sample < report.first->sample)) report.first = other;
  }
  if (options.ledger) {
    Ledger all(program);
    for (const auto& worker : workers) all.merge(*worker->ledger());
    report.ledger = all.entries();
  }
  return report;
}

}  // namespace jsc
