// Softmax and cross-entropy in one (torch.nn.CrossEntropyLoss, reduction "mean"), logits [classes][batch].
// With p = softmax(x), w the class weights (1 if none), W their sum, s the label smoothing, C the classes,
// l_i the label of sample i:
//   loss_i = -(1 - s)·w[l_i]·log p[l_i] - s/C·sum_c w_c·log p_c
//   loss = sum_i loss_i / sum_i w[l_i]
//   d_x_ci = d_loss / sum_i w[l_i]·(((1 - s)·w[l_i] + s/C·W)·p_ci - (1 - s)·w[l_i]·[c = l_i] - s/C·w_c)
// Goodfellow, Bengio and Courville (2016), section 6.2.2.3; label smoothing: Szegedy et al., CVPR 2016.
// exp and log are those of engine/math.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tape.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc {

struct CrossEntropyOptions {
  std::vector<float> class_weights;  // one a class, not negative; empty for none
  float label_smoothing = 0.0F;      // from 0 to 1
};

// What one forward direction found; for metrics. The mean loss of many batches is the sum of loss_sum over
// the sum of weight_sum, which without class weights is the number of samples.
struct ClassificationCounts {
  double loss_sum = 0.0;
  double weight_sum = 0.0;
  std::int64_t correct = 0;  // the prediction is the first of the highest logits
};

// Of some columns; `probabilities` may be null where no gradient is needed.
CrossEntropySums cross_entropy_forward(const Execution& execution, const CrossEntropyTarget& target,
                                       const ConstMatrix& logits, const std::int32_t* labels,
                                       const Matrix& probabilities);
ClassificationCounts cross_entropy_counts(const CrossEntropySums* block_sums, Index blocks);
// Of some columns; weight_sum is of all samples.
void cross_entropy_backward(const Execution& execution, const CrossEntropyTarget& target,
                            const ConstMatrix& probabilities, const std::int32_t* labels, double weight_sum,
                            float d_loss, const Matrix& d_logits, bool accumulate);

// `labels` holds a class from 0 to classes - 1 for each sample at each forward(); `counts`, if not null, is
// written by each forward().
Variable cross_entropy(Tape& tape, Variable logits, const std::int32_t* labels,
                       const CrossEntropyOptions& options, ClassificationCounts* counts);

}  // namespace jsc
