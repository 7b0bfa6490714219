#include "ops/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

#include "ops/rows.hpp"

namespace jsc {

CrossEntropySums cross_entropy_forward(const Execution& execution, const CrossEntropyTarget& target,
                                       const ConstMatrix& logits, const std::int32_t* labels,
                                       const Matrix& probabilities) {
  return ops_kernels(execution.isa)
      .cross_entropy_forward(target, logits.cols, logits.data, logits.stride, labels, probabilities.data,
                             probabilities.stride);
}

ClassificationCounts cross_entropy_counts(const CrossEntropySums* block_sums, Index blocks) {
  ClassificationCounts counts;
  for (Index block = 0; block < blocks; ++block) {
    counts.loss_sum += static_cast<double>(block_sums[block].loss);
    counts.weight_sum += static_cast<double>(block_sums[block].weights);
    counts.correct += block_sums[block].correct;
  }
  return counts;
}

void cross_entropy_backward(const Execution& execution, const CrossEntropyTarget& target,
                            const ConstMatrix& probabilities, const std::int32_t* labels, double weight_sum,
                            float d_loss, const Matrix& d_logits, bool accumulate) {
  const float factor = static_cast<float>(static_cast<double>(d_loss) / weight_sum);
  ops_kernels(execution.isa)
      .cross_entropy_backward(target, d_logits.cols, factor, probabilities.data, probabilities.stride, labels,
                              d_logits.data, d_logits.stride, accumulate);
}

namespace {

struct CrossEntropyStep {
  Variable logits, loss;
  const std::int32_t* labels;
  CrossEntropyTarget target;
  Matrix probabilities;
  CrossEntropySums* block_sums;
  ClassificationCounts* found;   // of this step, for its backward
  ClassificationCounts* counts;  // the caller's, or null

  void forward(Tape& tape, SampleBlock block) const {
    block_sums[block.number] =
        cross_entropy_forward(tape.execution(), target, columns(tape.value(logits), block),
                              labels + block.begin, columns(probabilities, block));
  }
  void finish_forward(Tape& tape) const {
    *found = cross_entropy_counts(block_sums, block_count(tape.value(logits).cols));
    tape.value(loss)(0, 0) = static_cast<float>(found->loss_sum / found->weight_sum);
    if (counts != nullptr) *counts = *found;
  }
  void backward(Tape& tape, Tape::Sinks sinks, SampleBlock block) const {
    const Tape::Sink& d_logits = sinks[0];
    if (d_logits.d)
      cross_entropy_backward(tape.execution(), target, columns(probabilities, block), labels + block.begin,
                             found->weight_sum, tape.d(loss)(0, 0), columns(d_logits.d, block),
                             d_logits.accumulate);
  }
};

void check_options(Index classes, const CrossEntropyOptions& options) {
  if (!options.class_weights.empty() && static_cast<Index>(options.class_weights.size()) != classes)
    fail("cross_entropy, class weights: expected {} (one a class), found {}", classes,
         options.class_weights.size());
  for (float w : options.class_weights)
    if (!(w >= 0.0F && std::isfinite(w)))
      fail("cross_entropy, class weights: expected finite and not negative, found {}", w);
  if (!(options.label_smoothing >= 0.0F && options.label_smoothing <= 1.0F))
    fail("cross_entropy, label smoothing: expected 0 to 1, found {}", options.label_smoothing);
}

}  // namespace

Variable cross_entropy(Tape& tape, Variable logits, const std::int32_t* labels,
                       const CrossEntropyOptions& options, ClassificationCounts* counts) {
  const Matrix x = tape.value(logits);
  check_options(x.rows, options);
  Arena& arena = tape.arena();
  float* weights = arena.array<float>(x.rows);
  if (options.class_weights.empty())
    std::fill(weights, weights + x.rows, 1.0F);
  else
    std::copy(options.class_weights.begin(), options.class_weights.end(), weights);
  CrossEntropyTarget target{x.rows, weights, 0.0F, 1.0F - options.label_smoothing,
                            options.label_smoothing / static_cast<float>(x.rows)};
  for (Index c = 0; c < x.rows; ++c) target.weight_total += weights[c];

  const Variable loss = tape.output(1, 1, {logits});
  const Matrix probabilities = tape.needs_gradient(logits) ? tape.activation(x.rows, x.cols) : Matrix{};
  CrossEntropySums* block_sums = arena.array<CrossEntropySums>(block_count(x.cols));
  ClassificationCounts* found = arena.make(ClassificationCounts{});
  tape.record_blocks(
      "cross_entropy", loss, x.cols, {logits}, {},
      CrossEntropyStep{logits, loss, labels, target, probabilities, block_sums, found, counts});
  return loss;
}

}  // namespace jsc
