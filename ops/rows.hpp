// How the operations run over activations: shape checks with one wording, and the walk over rows and blocks
// of samples.
#pragma once

#include "engine/error.hpp"
#include "engine/execution.hpp"
#include "engine/tensor.hpp"
#include "engine/threads.hpp"

namespace jsc {

// Calls task(row, begin, count) for each row and each block of its samples; blocks are spread over threads.
template <class Task>
void for_each_row(const Execution& execution, Index rows, Index samples, const Task& task) {
  for_each_block(execution.threads, samples, [&](Index, Index begin, Index end) {
    for (Index row = 0; row < rows; ++row) task(row, begin, end - begin);
  });
}

inline void require_shape(const char* op, const char* what, Index rows, Index cols, Index found_rows,
                          Index found_cols) {
  if (rows != found_rows || cols != found_cols)
    fail("{}, {}: expected {} x {}, found {} x {}", op, what, rows, cols, found_rows, found_cols);
}

inline void require_same_shape(const char* op, const char* what, ConstMatrix expected, ConstMatrix found) {
  require_shape(op, what, expected.rows, expected.cols, found.rows, found.cols);
}

}  // namespace jsc
