#include "graph/statistics/observe.hpp"

#include <omp.h>

#include <bit>
#include <exception>

#include "engine/threads.hpp"
#include "graph/executor.hpp"

namespace jsc {

namespace {

constexpr Index kSpan = 32 * kSampleBlock;  // samples; some 50 ms of work on a network of 600 values

std::int64_t count_not_finite(ConstMatrix block) {
  std::int64_t count = 0;
  for (Index row = 0; row < block.rows; ++row) {
    const float* x = block.row(row);
    std::int32_t in_row = 0;
    for (Index i = 0; i < block.cols; ++i)
      in_row += (std::bit_cast<std::uint32_t>(x[i]) & 0x7f800000U) == 0x7f800000U ? 1 : 0;
    count += in_row;
  }
  return count;
}

void expect_finite(std::int64_t not_finite, Index values, std::string_view name) {
  if (not_finite > 0)
    fail("{}: expected finite values, found {} of {} that are NaN or infinite", name, not_finite, values);
}

SampleLayout layout_of(const Graph& graph, NodeId node, Index samples) {
  return {{1, graph.nodes[static_cast<std::size_t>(node)].features}, samples};
}

// What a thread owns: the network on a tape, and an accumulator for each observation.
class Worker {
 public:
  Worker(const Graph& graph, const PassArguments& arguments, Index samples,
         std::span<const Observation> observations)
      : observations_(observations),
        input_(*arguments.input),
        tape_(Execution{arguments.execution.isa, 1, false}, Tape::Gradients::none),
        recording_(record(graph, tape_, kSampleBlock, Mode::evaluate)),
        not_finite_(graph.nodes.size()) {
    for (const Observation& observation : observations)
      accumulators_.push_back(observation.make(layout_of(graph, observation.node, samples)));
  }

  void run(Index begin, Index end) {
    for (auto& accumulator : accumulators_) accumulator->clear();
    for (; begin < end; begin += kSampleBlock) {
      const Index n = std::min(kSampleBlock, end - begin);
      input_.fill(begin, first(recording_.input, n));
      tape_.forward();
      NodeId checked = -1;
      for (std::size_t i = 0; i < observations_.size(); ++i) {
        const NodeId node = observations_[i].node;
        const ConstMatrix value = first(recording_.values[static_cast<std::size_t>(node)], n);
        if (node != checked) not_finite_[static_cast<std::size_t>(node)] += count_not_finite(value);
        checked = node;
        accumulators_[i]->add(value);
      }
    }
  }

  const std::vector<std::unique_ptr<Accumulator>>& accumulators() const { return accumulators_; }
  std::int64_t not_finite(std::size_t node) const { return not_finite_[node]; }

 private:
  // The last block may be a short one; the samples behind it are left over and not looked at.
  Matrix first(Variable v, Index n) const {
    Matrix value = tape_.value(v);
    value.cols = n;
    return value;
  }

  std::span<const Observation> observations_;
  const InputGenerator& input_;
  Tape tape_;
  Recording recording_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  std::vector<std::int64_t> not_finite_;  // by node
};

void check_input(const Graph& graph, const InputGenerator* input, Index samples) {
  if (input == nullptr) fail("activations need an input, found none");
  if (input->features() != graph.input().features)
    fail("the network expects {} input features, found {}", graph.input().features, input->features());
  if (samples < 1) fail("expected at least one sample, found {}", samples);
  if (samples > input->rows())
    fail("expected an input of at least {} rows, found {}", samples, input->rows());
}

}  // namespace

std::vector<std::unique_ptr<Accumulator>> observe(const Graph& graph, const PassArguments& arguments,
                                                  Index samples, std::span<const Observation> observations) {
  check_input(graph, arguments.input, samples);
  std::vector<std::unique_ptr<Accumulator>> totals;
  for (const Observation& observation : observations)
    totals.push_back(observation.make(layout_of(graph, observation.node, samples)));

  const Index spans = (samples + kSpan - 1) / kSpan;
  const int threads = static_cast<int>(std::min<Index>(std::max(arguments.execution.threads, 1), spans));
  std::vector<std::unique_ptr<Worker>> workers;
  for (int t = 0; t < threads; ++t)
    workers.push_back(std::make_unique<Worker>(graph, arguments, samples, observations));

  std::exception_ptr failure;  // the first one; nothing may be thrown out of a parallel region
  const auto guarded = [&failure](const auto& task) {
    try {
      task();
    } catch (...) {
#pragma omp critical(jsc_observe_failure)
      if (!failure) failure = std::current_exception();
    }
  };
#pragma omp parallel for ordered schedule(dynamic, 1) num_threads(threads)
  for (Index span = 0; span < spans; ++span) {
    const int thread = omp_get_thread_num();
    Worker& worker = *workers[static_cast<std::size_t>(thread)];
    const Index end = std::min(samples, (span + 1) * kSpan);
    guarded([&] { worker.run(span * kSpan, end); });
#pragma omp ordered
    guarded([&] {
      for (std::size_t i = 0; i < totals.size(); ++i) totals[i]->merge(*worker.accumulators()[i]);
      if (thread == 0 && arguments.progress) arguments.progress(end, samples);
    });
  }
  if (failure) std::rethrow_exception(failure);
  if (arguments.progress) arguments.progress(samples, samples);

  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    std::int64_t not_finite = 0;
    for (const auto& worker : workers) not_finite += worker->not_finite(node);
    expect_finite(not_finite, samples * graph.nodes[node].features, "value of " + graph.nodes[node].name);
  }
  return totals;
}

void observe_weight(Accumulator& accumulator, std::span<const float> values, std::string_view name) {
  const ConstMatrix sample{values.data(), static_cast<Index>(values.size()), 1, 1};
  expect_finite(count_not_finite(sample), sample.rows, name);
  accumulator.add(sample);
}

std::vector<WeightTensor> weight_tensors(const Module& module) {
  std::vector<WeightTensor> tensors;
  for (const Parameter& parameter : module.parameters())
    tensors.push_back({parameter.name,
                       parameter.shape,
                       {parameter.value.data, static_cast<std::size_t>(parameter.value.size())}});
  for (const Buffer& buffer : module.buffers())
    if (const auto* values = std::get_if<std::vector<float>>(&buffer.value))
      tensors.push_back({buffer.name, buffer.shape, *values});
  return tensors;
}

}  // namespace jsc
