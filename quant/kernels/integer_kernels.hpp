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

template <class T>
struct IntegerKernelsOf {
  void (*cast)(Index n, const T* from, const CastPlan<T>& plan, T* to);
  void (*dense)(const DenseArguments<T>& arguments);
  // y = wrap(w x + b) to `width` bits
  void (*scale_shift)(Index n, T w, T b, int width, const T* x, T* y);
  void (*scale)(Index n, T w, const T* x, T* y);
  void (*add)(Index n, const T* a, const T* b, T* y);
  void (*sub)(Index n, const T* a, const T* b, T* y);
  void (*mul)(Index n, const T* a, const T* b, T* y);
  void (*relu)(Index n, const T* x, T* y);
};

struct IntegerKernels {
  IntegerKernelsOf<std::int32_t> narrow;
  IntegerKernelsOf<std::int64_t> wide;
};

extern const IntegerKernels kIntegerKernelsPortable;
#ifdef JSC_X86_64
extern const IntegerKernels kIntegerKernelsAvx2;
extern const IntegerKernels kIntegerKernelsAvx512;
#endif

const IntegerKernels& integer_kernels(Isa isa);

}  // namespace jsc
