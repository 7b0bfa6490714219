#include "tests/support/allocations.hpp"

#ifdef JSC_COUNTS_ALLOCATIONS

#include <atomic>
#include <cstddef>

namespace {

std::atomic<std::int64_t> calls{0};

}  // namespace

std::int64_t jsc::allocation_count() {
  return calls.load();
}

// Standing before the C library's functions.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t size) {
  ++calls;
  return __libc_malloc(size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++calls;
  return __libc_memalign(alignment, size);
}
}

#endif
