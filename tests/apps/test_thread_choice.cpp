// Which number of threads a training settles on.
#include "apps/training/thread_choice.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace jsc;
using std::chrono::microseconds;

namespace {

// Steps of one period; returns how many of them ran with all threads. Of those of the faster way every third
// is interrupted by the system, and the first of each trial are slow by all threads: neither must decide.
int period(ThreadChoice& choice, microseconds with_all, microseconds with_one) {
  int all = 0, in_a_row = 0;
  bool before = false;
  for (int step = 0; step < ThreadChoice::kPeriod; ++step) {
    const bool shared = choice.threads() == 2;
    REQUIRE((shared || choice.threads() == 1));
    all += shared ? 1 : 0;
    in_a_row = shared == before ? in_a_row + 1 : 0;
    before = shared;
    microseconds time = shared ? with_all : with_one;
    if (shared == (with_all <= with_one) && step % 3 == 0) time += microseconds(5000);
    if (shared && in_a_row < 5) time += microseconds(5000);
    choice.took(time);
  }
  return all;
}

}  // namespace

TEST_CASE("the time of the steps themselves decides") {
  for (const int faster : {1, 2}) {
    ThreadChoice choice(2);
    for (int step = 0; step < 2 * ThreadChoice::kTrial; ++step)
      choice.run([&](int threads) {
        std::this_thread::sleep_for(threads == faster ? microseconds(100) : microseconds(2000));
      });
    CHECK(choice.threads() == faster);
  }
}

TEST_CASE("a training goes on with the threads that made its steps faster, and tries again") {
  constexpr int trial = ThreadChoice::kTrial, rest = ThreadChoice::kPeriod - 2 * trial;
  ThreadChoice choice(2);
  CHECK(period(choice, microseconds(60), microseconds(100)) == trial + rest);
  CHECK(period(choice, microseconds(120), microseconds(100)) == trial);
  CHECK(period(choice, microseconds(99), microseconds(100)) == trial + rest);
}
