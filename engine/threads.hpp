// Parallel work over samples with results that do not depend on the number of threads.
//
// Samples are cut into blocks of kSampleBlock whatever the thread count. A kernel treats a block alone; a
// reduction over samples keeps 16 lanes inside a block (lane l sums the samples b with b mod 16 = l in
// ascending order), adds the lanes in a fixed tree, and adds the blocks' results in ascending order.
#pragma once

#include <algorithm>

#include "engine/tensor.hpp"

namespace jsc {

constexpr Index block_count(Index samples) {
  return (samples + kSampleBlock - 1) / kSampleBlock;
}

// One block of samples: [begin, end), the number-th of its batch.
struct SampleBlock {
  Index number, begin, end;
  Index count() const { return end - begin; }
};

constexpr SampleBlock sample_block(Index number, Index samples) {
  return {number, number * kSampleBlock, std::min(samples, (number + 1) * kSampleBlock)};
}

// The samples of a block as a view of its own.
template <class T>
View<T> columns(View<T> m, SampleBlock block) {
  return m ? View<T>{m.data + block.number * m.block_stride, m.rows, block.count(), m.stride} : m;
}

namespace threads_detail {
using RunTask = void (*)(const void* task, Index i);
void share(int threads, Index count, RunTask run, const void* task);  // threads.cpp
}  // namespace threads_detail

// Calls task(i) for i in [0, count), spread over the threads in contiguous runs; one that is done early takes
// over what others have not begun. The tasks must not touch each other's results, and must not throw. A call
// from inside a task runs on the thread it is made on.
template <class Task>
void parallel_for(int threads, Index count, const Task& task) {
  if (threads <= 1 || count <= 1) {
    for (Index i = 0; i < count; ++i) task(i);
    return;
  }
  threads_detail::share(
      threads, count, [](const void* t, Index i) { (*static_cast<const Task*>(t))(i); }, &task);
}

// Fewer samples than this are not worth waking other threads for.
inline constexpr Index kSamplesWorthThreads = 1024;

constexpr int threads_for(int threads, Index samples) {
  return samples < kSamplesWorthThreads ? 1 : threads;
}

// Calls task(block, begin, end) for each sample block of [0, samples).
template <class Task>
void for_each_block(int threads, Index samples, const Task& task) {
  parallel_for(threads_for(threads, samples), block_count(samples), [&](Index number) {
    const SampleBlock block = sample_block(number, samples);
    task(block.number, block.begin, block.end);
  });
}

}  // namespace jsc
