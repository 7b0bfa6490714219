// Loss, accuracy and probabilities of a network over rows of a data set, in evaluation mode.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "graph/executor.hpp"
#include "ops/cross_entropy.hpp"

namespace jsc {

struct Metrics {
  double loss = 0;  // mean cross-entropy over the samples, without smoothing or class weights
  // Fraction whose largest output is the label's (the first of equals), as float32: outputs of quantized
  // networks with more than 24 bits may be equal here and not as integers.
  double accuracy = 0;
  Index samples = 0;
};

// Features (row-major, [rows][features], scaled) and labels that batches are gathered from.
struct Samples {
  const float* x = nullptr;
  Index features = 0;
  const std::int32_t* labels = nullptr;  // may be null for inference
};

// Keeps one recorded tape for full batches and one for the last, shorter one, so that repeated evaluation
// allocates nothing.
class Evaluator {
 public:
  static constexpr Index kBatch = 4096;

  // `graph` must outlive the evaluator.
  Evaluator(const Graph& graph, const Samples& samples, Execution execution);
  ~Evaluator();

  Metrics evaluate(std::span<const std::uint32_t> rows);
  // Calls visit(logits, first) for each batch: logits[class][i] belongs to rows[first + i].
  void forward(std::span<const std::uint32_t> rows,
               const std::function<void(ConstMatrix logits, Index first)>& visit);

 private:
  struct Pass;
  Pass& pass(Index batch);
  const Graph& graph_;
  Samples samples_;
  Execution execution_;
  std::unique_ptr<Pass> full_, rest_;
};

}  // namespace jsc
