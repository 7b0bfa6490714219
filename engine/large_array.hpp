// Arrays that are read at random, as a data set is when it is shuffled: on huge pages where the system grants
// them, so that finding a row's page costs no walk through the page tables.
#pragma once

#include "engine/tensor.hpp"

namespace jsc {

// Advises the system to use huge pages for memory that has not been touched yet; it may decline.
void advise_huge_pages(void* memory, std::size_t bytes);

// As make_aligned (tensor.hpp): zero-filled, on a kAlignment boundary or better. Throws std::bad_alloc.
template <class T>
AlignedArray<T> make_large(Index n) {
  static_assert(std::is_trivially_copyable_v<T>);
  constexpr Index kHugePage = Index{1} << 21;
  const Index bytes = round_up(n * static_cast<Index>(sizeof(T)), kHugePage);
  if (bytes < 2 * kHugePage) return make_aligned<T>(n);
  void* memory = std::aligned_alloc(kHugePage, static_cast<std::size_t>(bytes));
  if (memory == nullptr) throw std::bad_alloc();
  advise_huge_pages(memory, static_cast<std::size_t>(bytes));
  std::memset(memory, 0, static_cast<std::size_t>(n) * sizeof(T));
  return AlignedArray<T>(static_cast<T*>(memory));
}

}  // namespace jsc
