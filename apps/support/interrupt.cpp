#include "apps/support/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace jsc {

namespace {

std::atomic<bool> requested = false;  // several threads may ask while the handler sets it
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
  requested = true;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() {
  return requested.load(std::memory_order_relaxed);
}

void request_interrupt() {
  requested = true;
}

}  // namespace jsc
