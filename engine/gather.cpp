#include "engine/gather.hpp"

namespace jsc {

void gather_rows(const Execution&, const float* x, Index features, const std::uint32_t* indices, Matrix out) {
  if (out.rows != features) fail("gather_rows: out should have {} rows, found {}", features, out.rows);
  for (Index i = 0; i < out.cols; ++i)
    for (Index f = 0; f < features; ++f) out(f, i) = x[static_cast<Index>(indices[i]) * features + f];
}

}  // namespace jsc
