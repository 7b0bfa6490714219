#include "engine/large_array.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace jsc {

void advise_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE);  // advice only: a refusal changes nothing
#endif
}

}  // namespace jsc
