// Which number of threads a training settles on.
#include "apps/training/thread_choice.hpp"

#include <catch2/catch.hpp>

using namespace jsc;
using std::chrono::microseconds;

namespace {

// Steps of one period; returns how many of them ran with all threads.
int period(ThreadChoice& choice, int threads, microseconds with_all, microseconds with_one) {
  int all = 0;
  for (int step = 0; step < ThreadChoice::kPeriod; ++step) {
    const bool shared = choice.threads() == threads;
    REQUIRE((shared || choice.threads() == 1));
    all += shared ? 1 : 0;
    // A step now and then that the system interrupts must not decide.
    const microseconds hiccup(step % 7 == 0 ? 5000 : 0);
    choice.took((shared ? with_all : with_one) + hiccup);
  }
  return all;
}

}  // namespace

TEST_CASE("a training goes on with the threads that made its steps faster, and tries again") {
  constexpr int trial = ThreadChoice::kTrial, rest = ThreadChoice::kPeriod - 2 * trial;
  ThreadChoice choice(2);
  CHECK(period(choice, 2, microseconds(60), microseconds(100)) == trial + rest);
  CHECK(period(choice, 2, microseconds(120), microseconds(100)) == trial);
  CHECK(period(choice, 2, microseconds(99), microseconds(100)) == trial + rest);
}

TEST_CASE("one thread is not tried against itself") {
  ThreadChoice choice(1);
  for (int step = 0; step < 100; ++step) {
    REQUIRE(choice.threads() == 1);
    choice.took(microseconds(1));
  }
}
