// The peer of apps/training/trainer.hpp: the same training step by LibTorch's own modules, from the same
// initial weights. Its header knows nothing of torch, which is slow to compile and warns a lot.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "apps/training/evaluate.hpp"
#include "graph/graph.hpp"

namespace jsc {

class TorchTrainer {
 public:
  // `graph` is a chain of Linear, BatchNorm1d and ReLU modules; its present weights are copied. All rows of
  // the samples are trained on, in batches that divide their number, by Adam with its usual settings.
  TorchTrainer(const Graph& graph, const Samples& samples, Index rows, Index batch, double learning_rate,
               int threads);
  ~TorchTrainer();

  void step();
  double mean_loss() const;  // over all steps

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jsc
