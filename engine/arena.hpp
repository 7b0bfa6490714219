// Bump allocator for what a tape records: memory is taken from large chunks, never returned one by one, and
// kept for the next recording after reset(). So a recording of unchanged shapes allocates nothing.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

class Arena {
 public:
  explicit Arena(std::size_t chunk_bytes = std::size_t{1} << 20) : chunk_bytes_(chunk_bytes) {}

  // `bytes` bytes on a kAlignment boundary, valid until reset(). The content is whatever an earlier recording
  // left.
  void* allocate(std::size_t bytes);

  // An activation: rows padded to 64 bytes.
  Matrix matrix(Index rows, Index cols);

  // The same with every block of samples by itself, for blocks that different threads write: where the rows
  // of two blocks follow each other, what a processor reads ahead at the end of one is taken from the cache
  // of the other's, and both wait (two threads become slower than one).
  Matrix blocks(Index rows, Index cols);

  template <class T>
  T* array(Index n) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(allocate(static_cast<std::size_t>(n) * sizeof(T)));
  }

  template <class T>
  T* make(const T& value) {
    static_assert(std::is_trivially_destructible_v<T>);
    static_assert(alignof(T) <= kAlignment);
    return new (allocate(sizeof(T))) T(value);
  }

  // Forgets every allocation and keeps the chunks.
  void reset();

  std::size_t bytes_reserved() const;

 private:
  struct Chunk {
    AlignedArray<std::byte> data;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t current_ = 0;  // chunk in use
  std::size_t used_ = 0;     // bytes used of it
  std::size_t chunk_bytes_;
};

}  // namespace jsc
