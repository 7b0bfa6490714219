// Rows of a data set become a feature-major mini-batch: the one change of layout in a training step.
#pragma once

#include <cstdint>

#include "engine/execution.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// out[f][i] = x[indices[i]][f] for i < out.cols; x is row-major with `features` floats a row and no padding,
// and out has `features` rows. Columns of out up to the next multiple of 16 may be written.
void gather_rows(const Execution& execution, const float* x, Index features, const std::uint32_t* indices,
                 Matrix out);

}  // namespace jsc
