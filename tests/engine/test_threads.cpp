#include "engine/threads.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
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

TEST_CASE("tasks that share work further run it themselves, and calls may come from several threads") {
  std::vector<std::atomic<int>> runs(64);
  const auto call = [&] {
    parallel_for(3, 8, [&](Index i) {
      parallel_for(2, 8, [&](Index j) { ++runs[static_cast<std::size_t>(8 * i + j)]; });
    });
  };
  std::thread other([&] {
    for (int k = 0; k < 100; ++k) call();
  });
  for (int k = 0; k < 100; ++k) call();
  other.join();
  CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 200; }));
}
