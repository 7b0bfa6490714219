// The threads behind parallel_for: made when first asked for, kept for the process.
//
// Each thread of a call owns a contiguous run of the tasks, one 64-bit word [begin, end). The owner takes
// tasks from its begin, others steal from its end when they are done with their own, so that a thread that
// the system does not run holds nobody up: whoever called does the work alone. Between calls a worker spins
// for some tens of microseconds, as the passes of a training step follow each other, and then sleeps.
#include "engine/threads.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>
#ifdef JSC_X86_64
#include <immintrin.h>
#endif

namespace jsc::threads_detail {

namespace {

constexpr int kMostThreads = 1024;
constexpr int kSpins = 1000;  // about 50 us on processors whose pause takes 140 cycles

void pause() {
#ifdef JSC_X86_64
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// True in a worker, and in a caller while its tasks run: tasks that share work further do it themselves.
thread_local bool inside = false;

void run_all(Index count, RunTask run, const void* task) {
  for (Index i = 0; i < count; ++i) run(task, i);
}

class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    stop_.store(true);
    calls_.fetch_add(1);
    calls_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void share(int threads, Index count, RunTask run, const void* task) {
    const std::unique_lock lock(caller_, std::try_to_lock);
    threads = static_cast<int>(std::min<Index>({threads, count, kMostThreads}));
    if (!lock.owns_lock() || count > Index{UINT32_MAX}) return run_all(count, run, task);
    while (std::ssize(workers_) < threads - 1) {
      const int number = static_cast<int>(workers_.size()) + 1;
      workers_.emplace_back([this, number, seen = calls_.load()] { work(number, seen); });
    }

    run_ = run;
    task_ = task;
    threads_.store(threads, std::memory_order_relaxed);
    left_.store(count, std::memory_order_relaxed);
    for (int t = 0; t < threads; ++t)
      share_of(t).store(range(count * t / threads, count * (t + 1) / threads), std::memory_order_release);
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();

    inside = true;
    take_part(0);
    for (int spin = 0; left_.load(std::memory_order_acquire) > 0; ++spin)
      spin < kSpins ? pause() : std::this_thread::yield();
    inside = false;
  }

 private:
  using Range = std::uint64_t;  // begin in the low half, end in the high
  static Range range(Index begin, Index end) {
    return static_cast<Range>(begin) | static_cast<Range>(end) << 32;
  }
  static Index begin(Range r) { return static_cast<Index>(r & UINT32_MAX); }
  static Index end(Range r) { return static_cast<Index>(r >> 32); }
  struct alignas(kAlignment) Share {
    std::atomic<Range> left{0};
  };
  std::atomic<Range>& share_of(int thread) { return shares_[static_cast<std::size_t>(thread)].left; }

  // Takes one task of `thread`'s run and runs it. What a successful exchange took belongs to the call whose
  // function is then read, for no call ends before its tasks have run.
  bool take(int thread, bool own) {
    std::atomic<Range>& left = share_of(thread);
    Range r = left.load(std::memory_order_acquire);
    while (begin(r) < end(r)) {
      const Index task = own ? begin(r) : end(r) - 1;
      const Range rest = own ? range(task + 1, end(r)) : range(begin(r), task);
      if (left.compare_exchange_weak(r, rest, std::memory_order_acq_rel, std::memory_order_acquire)) {
        run_(task_, task);
        return true;
      }
    }
    return false;
  }

  void take_part(int self) {
    const int threads = threads_.load(std::memory_order_relaxed);
    Index done = 0;
    for (int i = 0; i < threads; ++i) {
      const int thread = (self + i) % threads;
      while (take(thread, thread == self)) ++done;
    }
    if (done > 0) left_.fetch_sub(done, std::memory_order_release);
  }

  void work(int self, std::uint32_t seen) {
    inside = true;
    while (true) {
      for (int spin = 0; calls_.load(std::memory_order_acquire) == seen && spin < kSpins; ++spin) pause();
      calls_.wait(seen, std::memory_order_acquire);
      seen = calls_.load(std::memory_order_acquire);
      if (stop_.load()) return;
      if (self < threads_.load(std::memory_order_relaxed)) take_part(self);
    }
  }

  std::mutex caller_;
  std::vector<std::thread> workers_;
  std::array<Share, kMostThreads> shares_;
  std::atomic<std::uint32_t> calls_{0};
  std::atomic<bool> stop_{false};

  // The call that is running.
  RunTask run_ = nullptr;
  const void* task_ = nullptr;
  std::atomic<int> threads_{0};
  std::atomic<Index> left_{0};  // tasks that have not run yet
};

}  // namespace

void share(int threads, Index count, RunTask run, const void* task) {
  if (inside) return run_all(count, run, task);
  static Team team;
  team.share(threads, count, run, task);
}

}  // namespace jsc::threads_detail
