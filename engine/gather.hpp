// Rows of a data set become a feature-major mini-batch: the one change of layout in a training step.
#pragma once

#include <cstdint>

#include "engine/tape.hpp"

namespace jsc {

// out[f][i] = x[indices[i]][f] for i < out.cols; x is row-major with `features` floats a row and no padding,
// and out has `features` rows. Columns of out up to the next multiple of 16 may be written.
void gather_rows(const Execution& execution, const float* x, Index features, const std::uint32_t* indices,
                 Matrix out);

// Where a recorded gather reads. The caller moves `indices` on between the replays.
struct RowSource {
  const float* x = nullptr;  // [rows][features]
  Index features = 0;
  const std::int32_t* labels = nullptr;  // [rows], or null
  // The same, where they fit: fetched at random, they are to stay in the cache beside the rows.
  const std::uint8_t* byte_labels = nullptr;
  // Of the batch, and then `ahead` more, for which the next batches will ask: their rows are called into the
  // cache early.
  const std::uint32_t* indices = nullptr;
  Index ahead = 0;
};

// A value that each forward() fills with the rows that `source` names, and `labels` [batch] with their labels
// where there are any (byte_labels, or else labels). It needs no gradient.
Variable gather(Tape& tape, const RowSource* source, Index batch, std::int32_t* labels);

}  // namespace jsc
