// Counts what a program allocates, for tests that promise nothing. Link allocations.cpp into the executable.
#pragma once

#include <cstdint>

// The sanitizers want to stand where the counter does.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define JSC_SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(JSC_SANITIZED)
#define JSC_COUNTS_ALLOCATIONS

namespace jsc {

// Calls of malloc and aligned_alloc so far; operator new calls malloc.
std::int64_t allocation_count();

}  // namespace jsc

#endif
