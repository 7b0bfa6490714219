#include "engine/threads.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace jsc;

TEST_CASE("every task runs once whatever the number of threads") {
  for (int threads : {1, 2, 3})
    for (Index count : {0, 1, 2, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(count));
      parallel_for(threads, count, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
      CHECK(std::all_of(runs.begin(), runs.end(), [](int n) { return n == 1; }));
    }
}

TEST_CASE("sample blocks cover the samples and do not depend on the number of threads") {
  for (int threads : {1, 2})
    for (Index samples : {1, 511, 512, 513, 4096, 5000}) {
      std::vector<Index> block_of(static_cast<std::size_t>(samples), -1);
      for_each_block(threads, samples, [&](Index block, Index begin, Index end) {
        for (Index i = begin; i < end; ++i) block_of[static_cast<std::size_t>(i)] = block;
      });
      for (Index i = 0; i < samples; ++i) REQUIRE(block_of[static_cast<std::size_t>(i)] == i / kSampleBlock);
    }
}
