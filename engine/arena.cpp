#include "engine/arena.hpp"

#include <algorithm>

#include "engine/threads.hpp"

namespace jsc {

void* Arena::allocate(std::size_t bytes) {
  bytes = static_cast<std::size_t>(round_up(static_cast<Index>(bytes), static_cast<Index>(kAlignment)));
  while (current_ < chunks_.size() && used_ + bytes > chunks_[current_].size) {
    ++current_;
    used_ = 0;
  }
  if (current_ == chunks_.size()) {
    const std::size_t size = bytes > chunk_bytes_ ? bytes : chunk_bytes_;
    chunks_.push_back({make_aligned<std::byte>(static_cast<Index>(size)), size});
  }
  void* p = chunks_[current_].data.get() + used_;
  used_ += bytes;
  return p;
}

namespace {

Index padded(Index rows, Index cols) {
  const Index stride = round_up(cols, kLanes);
  // Rows a multiple of 1 KiB apart would share few sets of a cache and drive each other out.
  return rows > 1 && stride % 256 == 0 ? stride + kLanes : stride;
}

}  // namespace

Matrix Arena::matrix(Index rows, Index cols) {
  const Index stride = padded(rows, cols);
  return {array<float>(rows * stride), rows, cols, stride};
}

Matrix Arena::blocks(Index rows, Index cols) {
  const Index stride = padded(rows, std::min(cols, kSampleBlock)), size = rows * stride;
  return {array<float>(size * block_count(cols)), rows, cols, stride, size};
}

void Arena::reset() {
  current_ = 0;
  used_ = 0;
}

std::size_t Arena::bytes_reserved() const {
  std::size_t total = 0;
  for (const Chunk& chunk : chunks_) total += chunk.size;
  return total;
}

}  // namespace jsc
