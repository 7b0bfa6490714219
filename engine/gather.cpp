#include "engine/gather.hpp"

#include <algorithm>

#include "engine/kernels/kernels.hpp"
#include "engine/threads.hpp"

namespace jsc {

void gather_rows(const Execution& execution, const float* x, Index features, const std::uint32_t* indices,
                 Matrix out) {
  if (out.rows != features) fail("gather_rows: out should have {} rows, found {}", features, out.rows);
  // One run of samples a thread, as waking a thread costs about as much as moving 2^16 floats.
  const Index runs = std::clamp<Index>(out.size() >> 16, 1, execution.threads);
  const Index run = round_up((out.cols + runs - 1) / runs, kLanes);
  parallel_for(execution.threads, runs, [&](Index i) {
    const Index begin = std::min(out.cols, i * run), end = std::min(out.cols, begin + run);
    engine_kernels(execution.isa)
        .gather({x, features, indices + begin, out.data + begin, out.stride, end - begin});
  });
}

}  // namespace jsc
