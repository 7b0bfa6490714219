// Gathers statistics of what the nodes of a network yield, over samples in any number and in bounded memory.
//
// The samples are cut into blocks of 512, and the blocks into fixed spans. A thread runs the network over the
// blocks of a span, in evaluation mode and without gradients, and feeds accumulators of its own; spans are
// merged in ascending order. So the results are the same for every number of threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "graph/passes/pass.hpp"
#include "graph/statistics/statistic.hpp"

namespace jsc {

struct Observation {
  NodeId node = 0;  // whose value is watched
  std::function<std::unique_ptr<Accumulator>(const SampleLayout&)> make;
};

// Feeds each observation the first `samples` rows of arguments.input, and returns the accumulators in the
// order of the observations. Throws Error if the input does not fit the network or has fewer rows, or if a
// value that is watched is not finite.
std::vector<std::unique_ptr<Accumulator>> observe(const Graph& graph, const PassArguments& arguments,
                                                  Index samples, std::span<const Observation> observations);

// Feeds a weight, in whatever shape, as one sample. `name` is for messages.
void observe_weight(Accumulator& accumulator, std::span<const float> values, std::string_view name);

// The tensors that a module keeps and that are numbers: parameters, then buffers without the batch counter.
struct WeightTensor {
  std::string name;
  std::vector<Index> shape;
  std::span<const float> values;
};
std::vector<WeightTensor> weight_tensors(const Module& module);

}  // namespace jsc
