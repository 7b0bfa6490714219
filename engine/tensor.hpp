// Dense matrices of float32 and the views that kernels work on.
//
// Two layouts, both described by one View (rows, cols, stride):
//   activation  [features][batch]: a row is one feature over the samples; stride = a multiple of 16 floats,
//   so
//               every row starts on a 64-byte line. Columns batch..stride-1 are padding: anything may be
//               written there, and nothing that is kept may depend on what stands there. Of many samples each
//               block may be a matrix of its own (block_stride).
//   parameter   [out][in] as PyTorch stores it: stride = in, no padding; a vector of n is one row of n.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "engine/error.hpp"

namespace jsc {

using Index = std::ptrdiff_t;

inline constexpr std::size_t kAlignment = 64;  // bytes: a cache line and an AVX-512 register
inline constexpr Index kSampleBlock = 512;     // of samples that are treated together (threads.hpp)
inline constexpr Index kLanes = 16;  // floats in kAlignment bytes; the fixed lane count of every reduction

constexpr Index round_up(Index n, Index multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Rows lie `stride` apart. Their blocks of kSampleBlock columns follow each other, unless block_stride keeps
// the blocks of samples apart, each with all its rows (Arena::blocks).
template <class T>
struct View {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;
  Index block_stride = kSampleBlock;

  bool has_whole_rows() const { return block_stride == kSampleBlock || cols <= kSampleBlock; }
  // Of a view with whole rows.
  T* row(Index r) const {
    JSC_ASSERT(r >= 0 && r < rows && has_whole_rows());
    return data + r * stride;
  }
  T& operator()(Index r, Index c) const {
    JSC_ASSERT(r >= 0 && r < rows && c >= 0 && c < cols);
    return data[r * stride + c + c / kSampleBlock * (block_stride - kSampleBlock)];
  }
  Index size() const { return rows * cols; }
  explicit operator bool() const { return data != nullptr; }

  operator View<const T>() const  // NOLINT: a view of non-const is a view of const
      requires(!std::is_const_v<T>) {
    return {data, rows, cols, stride, block_stride};
  }
};

using Matrix = View<float>;
using ConstMatrix = View<const float>;

struct AlignedFree {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using AlignedArray = std::unique_ptr<T[], AlignedFree>;

// Zero-filled array of n trivially copyable elements on a kAlignment boundary. Throws std::bad_alloc.
template <class T>
AlignedArray<T> make_aligned(Index n) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::size_t bytes =
      static_cast<std::size_t>(round_up(n * static_cast<Index>(sizeof(T)), static_cast<Index>(kAlignment)));
  if (bytes == 0) return {};
  void* p = std::aligned_alloc(kAlignment, bytes);
  if (p == nullptr) throw std::bad_alloc();
  std::memset(p, 0, bytes);
  return AlignedArray<T>(static_cast<T*>(p));
}

// An activation-shaped owner: rows padded to 64 bytes, zero-filled. For buffers outside the tape's arena.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Index rows, Index cols);
  Matrix view() { return {data_.get(), rows_, cols_, stride_}; }
  ConstMatrix view() const { return {data_.get(), rows_, cols_, stride_}; }
  float& operator()(Index r, Index c) { return view()(r, c); }
  float operator()(Index r, Index c) const { return view()(r, c); }
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }

 private:
  AlignedArray<float> data_;
  Index rows_ = 0, cols_ = 0, stride_ = 0;
};

inline Tensor::Tensor(Index rows, Index cols)
    : data_(make_aligned<float>(rows * round_up(cols, kLanes))),
      rows_(rows),
      cols_(cols),
      stride_(round_up(cols, kLanes)) {}

}  // namespace jsc
