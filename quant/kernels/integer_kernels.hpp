// The kernels of integer networks, for int32 and int64 numbers and each instruction set: one table. They
// compute what the loops in quant/integer/reference.cpp do, for many samples at once. Sums are modulo 2^32 or
// 2^64, so that only results, not partial sums, must fit the type.
#pragma once

#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"
#include "quant/fixed/format.hpp"

namespace jsc {

// A cast that needs the number alone (cast_rows.cpp makes these and deals with all others).
template <class T>
struct CastPlan {
  int shift;  // right, 0 or more
  fixed::Rounding rounding;
  fixed::Overflow overflow;  // not WRAP_SM, not with saturated bits
  bool is_signed;
  int unused_bits;  // of T, above the format
  T lo, hi;         // what saturation saturates to
};

template <class T>
struct DenseArguments {
  Index out, in;
  const T* weights;   // [out][in]
  const T* bias;      // [out], aligned to the sum
  const int* widths;  // [out]: each sum wraps to so many bits
  const T* x;         // [in][x_stride]
  Index x_stride;
  T* y;  // [out][y_stride]
  Index y_stride;
  Index samples;  // rows are readable and writable up to the next multiple of 16
};

// The same with a given accumulator: each product is cast to it and added with a cast, bias first.
template <class T>
struct AccumulateArguments {
  Index out, in;
  const T* weights;  // [out][in]
  const T* bias;     // [out], cast to the accumulator
  const T* x;
  Index x_stride;
  T* y;
  Index y_stride;
  Index samples;
  CastPlan<T> product;  // TRN, RND or RND_CONV; SAT, or WRAP of a signed format
};

// Dense sums of numbers that are stored `n` to a 32-bit word: 4 unsigned by signed bytes, or 2 signed shorts.
struct DotArguments {
  Index out, groups;
  const std::int32_t* weights;  // [out][groups], n numbers a word, the first in the low bits
  const std::int32_t* bias;     // [out], aligned to the sum
  const int* widths;            // [out]
  const std::int32_t* x;        // [groups][x_stride]
  Index x_stride;
  std::int32_t* y;
  Index y_stride;
  Index samples;
  int align;  // the sums of products are shifted left by so much before the bias is added
};

// What a cast does to numbers, and how to see it from them alone (quant/ledger.cpp).
template <class T>
struct CastEvents {
  T below_one = 0;   // bits that are rounded away
  T half = -1;       // those bits in a tie; -1: nothing is rounded
  T lo = 0, hi = 0;  // numbers outside overflow
};
struct CastCounts {
  std::int64_t rounded = 0, ties = 0, below = 0, above = 0;
};

template <class T>
struct IntegerKernelsOf {
  void (*cast)(Index n, const T* from, const CastPlan<T>& plan, T* to);
  // Adds to the counts what the cast does to x.
  void (*count)(Index n, const T* x, const CastEvents<T>& events, CastCounts& counts);
  // Widens [lo, hi] to hold all of x.
  void (*widen)(Index n, const T* x, T& lo, T& hi);
  void (*dense)(const DenseArguments<T>& arguments);
  void (*accumulate)(const AccumulateArguments<T>& arguments);
  // y = wrap(w x + b) to `width` bits
  void (*scale_shift)(Index n, T w, T b, int width, const T* x, T* y);
  void (*scale)(Index n, T w, const T* x, T* y);
  void (*add)(Index n, const T* a, const T* b, T* y);
  void (*sub)(Index n, const T* a, const T* b, T* y);
  void (*mul)(Index n, const T* a, const T* b, T* y);
  void (*relu)(Index n, const T* x, T* y);
  // y = the number of the format that x * scale is rounded to, half to even, saturating; NaN gives 0. lo and
  // hi are the format's, below 2^21 in magnitude.
  void (*quantize)(Index n, const float* x, float scale, T lo, T hi, T* y);
  // best[i] = the row of the largest x[row][i], the first of equals
  void (*argmax)(Index rows, Index n, const T* x, Index x_stride, std::int32_t* best);
};

struct IntegerKernels {
  IntegerKernelsOf<std::int32_t> narrow;
  IntegerKernelsOf<std::int64_t> wide;
  // Null where the instruction set has nothing better than `dense`.
  void (*dot_bytes)(const DotArguments& arguments);
  void (*dot_shorts)(const DotArguments& arguments);
  // to[g][i] = numbers g*n .. g*n + n - 1 of sample i as a word, `offset` added to each; missing ones are 0.
  void (*pack_bytes)(Index in, Index n, const std::int32_t* x, Index x_stride, int offset, std::int32_t* to,
                     Index to_stride);
  void (*pack_shorts)(Index in, Index n, const std::int32_t* x, Index x_stride, std::int32_t* to,
                      Index to_stride);
};

extern const IntegerKernels kIntegerKernelsPortable;
#ifdef JSC_X86_64
extern const IntegerKernels kIntegerKernelsAvx2;
extern const IntegerKernels kIntegerKernelsAvx512;
extern const IntegerKernels kIntegerKernelsVnni;  // AVX-512 with its VNNI extension
#endif

const IntegerKernels& integer_kernels(Isa isa);

}  // namespace jsc
