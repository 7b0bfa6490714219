// What a network answers to chosen rows, kept row by row for curves and tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "apps/report/roc.hpp"
#include "apps/training/evaluate.hpp"
#include "apps/training/prepared_data.hpp"

namespace jsc {

struct Evaluation {
  Metrics metrics;
  std::vector<std::int32_t> predicted;  // [row]: the class with the largest logit, the first of equals
  std::vector<Roc> roc;                 // [class]: this class against all others, by its log-odds
  std::vector<std::vector<std::int64_t>> confusion;  // [label][predicted], rows
};

// The log-odds of class c, ln(p_c / (1 - p_c)) with p the softmax of the logits, orders rows as p_c does but
// tells large probabilities apart where p_c would round to 1.
Evaluation evaluate_rows(const Graph& graph, const PreparedData& data, std::span<const std::uint32_t> rows,
                         const Execution& execution);

}  // namespace jsc
