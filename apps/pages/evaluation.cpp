#include "apps/pages/evaluation.hpp"

#include <algorithm>

#include "engine/math.hpp"

namespace jsc {

namespace {

// With m the largest logit, of class a, and s = sum over j != a of exp(l_j - m):
//   log-odds of a = -ln(s)         of another c = l_c - m - ln(1 + s - exp(l_c - m))
// Neither subtracts the large part of a sum from the sum.
void log_odds(ConstMatrix logits, Index row, std::vector<float>& exponentials, std::vector<float>& odds) {
  Index a = 0;
  for (Index c = 1; c < logits.rows; ++c)
    if (logits(c, row) > logits(a, row)) a = c;
  const float m = logits(a, row);
  double s = 0;
  for (Index c = 0; c < logits.rows; ++c) {
    const auto i = static_cast<std::size_t>(c);
    exponentials[i] = exp_f32(logits(c, row) - m);
    if (c != a) s += static_cast<double>(exponentials[i]);
  }
  for (Index c = 0; c < logits.rows; ++c) {
    const auto i = static_cast<std::size_t>(c);
    odds[i] = c == a ? -log_f32(static_cast<float>(s))
                     : logits(c, row) - m -
                           log_f32(static_cast<float>(1.0 + s - static_cast<double>(exponentials[i])));
  }
}

}  // namespace

Evaluation evaluate_rows(const Graph& graph, const PreparedData& data, std::span<const std::uint32_t> rows,
                         const Execution& execution) {
  const std::size_t classes = data.data.class_names.size();
  Evaluation result;
  Evaluator evaluator(graph, data.samples(), execution);
  result.metrics = evaluator.evaluate(rows);
  result.predicted.resize(rows.size());
  std::vector<std::vector<float>> scores(classes, std::vector<float>(rows.size()));
  std::vector<float> exponentials(classes), odds(classes);
  evaluator.forward(rows, [&](ConstMatrix logits, Index first) {
    for (Index i = 0; i < logits.cols; ++i) {
      const auto row = static_cast<std::size_t>(first + i);
      Index best = 0;
      for (Index c = 1; c < logits.rows; ++c)
        if (logits(c, i) > logits(best, i)) best = c;
      result.predicted[row] = static_cast<std::int32_t>(best);
      log_odds(logits, i, exponentials, odds);
      for (std::size_t c = 0; c < classes; ++c) scores[c][row] = odds[c];
    }
  });

  result.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
  for (std::size_t i = 0; i < rows.size(); ++i)
    ++result.confusion[static_cast<std::size_t>(data.data.labels[rows[i]])]
                      [static_cast<std::size_t>(result.predicted[i])];
  for (std::size_t c = 0; c < classes; ++c) {
    std::vector<bool> signal(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      signal[i] = data.data.labels[rows[i]] == static_cast<std::int32_t>(c);
    result.roc.emplace_back(scores[c], signal);
  }
  return result;
}

}  // namespace jsc
