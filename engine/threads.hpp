// Parallel work over samples with results that do not depend on the number of threads.
//
// Samples are cut into blocks of kSampleBlock whatever the thread count. A kernel treats a block alone; a
// reduction over samples keeps 16 lanes inside a block (lane l sums the samples b with b mod 16 = l in
// ascending order), adds the lanes in a fixed tree, and adds the blocks' results in ascending order.
#pragma once

#include <omp.h>

#include <algorithm>

#include "engine/tensor.hpp"

namespace jsc {

inline constexpr Index kSampleBlock = 512;

constexpr Index block_count(Index samples) {
  return (samples + kSampleBlock - 1) / kSampleBlock;
}

// Calls task(i) for i in [0, count), spread over the threads in contiguous runs. The tasks must not touch
// each other's results, and must not throw.
template <class Task>
void parallel_for(int threads, Index count, const Task& task) {
  if (threads <= 1 || count <= 1) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (Index i = 0; i < count; ++i) task(i);
}

// Fewer samples than this are not worth waking other threads for: the passes over them take a few
// microseconds, as much as a barrier does, and far less than one costs on a busy machine.
inline constexpr Index kSamplesWorthThreads = 4096;

// Calls task(block, begin, end) for each sample block of [0, samples).
template <class Task>
void for_each_block(int threads, Index samples, const Task& task) {
  parallel_for(samples < kSamplesWorthThreads ? 1 : threads, block_count(samples), [&](Index block) {
    const Index begin = block * kSampleBlock;
    task(block, begin, std::min(samples, begin + kSampleBlock));
  });
}

}  // namespace jsc
