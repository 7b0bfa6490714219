// Checks shapes, shares a product between threads and hands it to the kernels, or to OpenBLAS where that is
// faster. Threads divide columns or rows of the result, which no reduction crosses, so they cannot change its
// bits.
#include "engine/gemm.hpp"

#ifndef __clang__
// Arguments of a kernel are written one by one: pairs that go by way of vector registers would wait there for
// the sums of the call before.
#pragma GCC optimize("no-tree-slp-vectorize")
#endif

#include <algorithm>

#include "engine/gemm_blas.hpp"
#include "engine/kernels/table.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

static_assert(kSampleBlock == 512, "kernels/even_split.hpp has the same number");
static_assert(kMostNormalized == kMostNormalizedWeights);

// The products of small layers take some tens of nanoseconds, so that what stands before the kernel counts.
[[noreturn, gnu::cold, gnu::noinline]] void fail_shape(const char* product, const char* name,
                                                       Index found_rows, Index found_cols, Index rows,
                                                       Index cols) {
  fail("{}: {} should be {} x {} and not empty, found {} x {}", product, name, rows, cols, found_rows,
       found_cols);
}

template <class T>
inline void expect_shape(const char* product, const char* name, const View<T>& a, Index rows, Index cols) {
  if (a.rows != rows || a.cols != cols || rows < 1 || cols < 1)
    fail_shape(product, name, a.rows, a.cols, rows, cols);
}

// What suits a core, as measured by bench_gemm (docs/performance.md).
unsigned tuning_of(Core core) {
  switch (core) {
    case Core::zen4:
      return kNarrow;  // 512 bits take two turns there
    case Core::zen5:
      return kFastL2;
    case Core::other:
      break;
  }
  return 0;
}
const unsigned kTuning = tuning_of(detected_core());

// A thread more for each kFlopsPerThread: sharing a region costs some microseconds.
constexpr double kFlopsPerThread = 1 << 19;

// Calls task(begin, end) for even pieces of [0, size), each a multiple of `unit` but the last.
template <class Task>
void share(const Execution& execution, double flops, Index size, Index unit, const Task& task) {
  if (execution.threads == 1) return task(Index{0}, size);
  const Index most = std::min<Index>((size + unit - 1) / unit, static_cast<Index>(flops / kFlopsPerThread));
  const Index pieces = std::clamp<Index>(most, 1, execution.threads);
  const Index piece = round_up((size + pieces - 1) / pieces, unit);
  parallel_for(execution.threads, pieces, [&](Index i) {
    const Index begin = std::min(size, i * piece), end = std::min(size, begin + piece);
    if (begin < end) task(begin, end);
  });
}

double flops(Index m, Index n, Index k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

// Some columns of a matrix with whole rows.
template <class T>
View<T> some_columns(const View<T>& a, Index begin, Index end) {
  return {a.data + begin, a.rows, end - begin, a.stride};
}

[[gnu::noinline]] void run_shared(const Execution& execution, const ConstMatrix& w, const ConstMatrix& x,
                                  const Matrix& y, const float* start, unsigned mode) {
  share(execution, flops(y.rows, x.cols, x.rows), x.cols, kLanes, [&](Index begin, Index end) {
    engine_kernels(execution.isa)
        .product(w, some_columns(x, begin, end), some_columns(y, begin, end), start, mode);
  });
}

[[gnu::noinline]] void run_shared(const Execution& execution, const TransposedArgs& args) {
  const double work = flops(args.m, args.n, args.samples);
  if (args.m > args.n)
    share(execution, work, args.m, 1, [&](Index begin, Index end) {
      TransposedArgs part = args;
      part.a += begin * args.a_stride;
      part.c += begin * args.c_stride;
      part.m = end - begin;
      engine_kernels(execution.isa).product_transposed(part);
    });
  else
    share(execution, work, args.n, kLanes, [&](Index begin, Index end) {
      TransposedArgs part = args;
      part.b += begin * args.b_stride;
      part.c += begin;
      part.n = end - begin;
      engine_kernels(execution.isa).product_transposed(part);
    });
}

inline void run(const Execution& execution, const ConstMatrix& w, const ConstMatrix& x, const Matrix& y,
                const float* start, unsigned mode) {
  mode |= kTuning;
  if (execution.threads == 1) return engine_kernels(execution.isa).product(w, x, y, start, mode);
  run_shared(execution, w, x, y, start, mode);
}
inline void run(const Execution& execution, const TransposedArgs& args) {
  if (execution.threads == 1) return engine_kernels(execution.isa).product_transposed(args);
  run_shared(execution, args);
}

void own_forward(const Execution& execution, const ConstMatrix& w, const float* bias, const ConstMatrix& x,
                 const Matrix& y, bool relu) {
  run(execution, w, x, y, bias, relu ? kRelu : 0);
}

void own_backward_input(const Execution& execution, const ConstMatrix& w, const ConstMatrix& d_y,
                        const Matrix& d_x, bool accumulate) {
  run(execution, w, d_y, d_x, nullptr, accumulate ? kTransposed | kAccumulate : kTransposed);
}

// Where OpenBLAS is admitted; apart, so that the others need not keep their arguments for it.
[[gnu::noinline]] void any_forward(const Execution& execution, const ConstMatrix& w, const float* bias,
                                   const ConstMatrix& x, const Matrix& y) {
  if (blas_is_faster(execution, GemmRole::forward, w.rows, w.cols, x.cols))
    blas_forward(execution, w, bias, x, y);
  else
    own_forward(execution, w, bias, x, y, false);
}

[[gnu::noinline]] void any_backward_input(const Execution& execution, const ConstMatrix& w,
                                          const ConstMatrix& d_y, const Matrix& d_x, bool accumulate) {
  if (blas_is_faster(execution, GemmRole::backward_input, w.rows, w.cols, d_y.cols))
    blas_backward_input(execution, w, d_y, d_x, accumulate);
  else
    own_backward_input(execution, w, d_y, d_x, accumulate);
}

}  // namespace

void gemm_forward(const Execution& execution, const ConstMatrix& w, const float* bias, const ConstMatrix& x,
                  const Matrix& y, bool relu) {
  expect_shape("gemm_forward", "x", x, w.cols, y.cols);
  expect_shape("gemm_forward", "y", y, w.rows, x.cols);
  if (execution.allow_blas && !relu) return any_forward(execution, w, bias, x, y);
  own_forward(execution, w, bias, x, y, relu);
}

void gemm_forward_normalized(const Execution& execution, const ConstMatrix& w, const float* ends,
                             const ConstMatrix& x, const Matrix& y) {
  expect_shape("gemm_forward_normalized", "x", x, w.cols, y.cols);
  expect_shape("gemm_forward_normalized", "y", y, w.rows, x.cols);
  if (std::max(w.rows, w.cols) > kMostNormalized)
    fail("gemm_forward_normalized: w should be at most {0} x {0}, found {1} x {2}", kMostNormalized, w.rows,
         w.cols);
  run(execution, w, x, y, ends, kNormalize);
}

void gemm_backward_input(const Execution& execution, const ConstMatrix& w, const ConstMatrix& d_y,
                         const Matrix& d_x, bool accumulate) {
  expect_shape("gemm_backward_input", "d_y", d_y, w.rows, d_x.cols);
  expect_shape("gemm_backward_input", "d_x", d_x, w.cols, d_y.cols);
  if (execution.allow_blas) return any_backward_input(execution, w, d_y, d_x, accumulate);
  own_backward_input(execution, w, d_y, d_x, accumulate);
}

void gemm_backward_weight(const Execution& execution, const ConstMatrix& d_y, const ConstMatrix& x,
                          const Matrix& d_w, bool accumulate) {
  expect_shape("gemm_backward_weight", "x", x, d_w.cols, d_y.cols);
  expect_shape("gemm_backward_weight", "d_w", d_w, d_y.rows, x.rows);
  if (execution.allow_blas && blas_is_faster(execution, GemmRole::backward_weight, d_y.rows, x.rows, x.cols))
    return blas_backward_weight(execution, d_y, x, d_w, accumulate);
  run(execution, TransposedArgs{d_y.data, d_y.stride, x.data, x.stride, d_w.data, d_w.stride, d_y.rows,
                                x.rows, x.cols, accumulate});
}

void row_sums(const Execution& execution, const ConstMatrix& a, float* sums, bool accumulate) {
  expect_shape("row_sums", "a", a, a.rows, a.cols);
  // Bound by memory: an addition counts as much as eight multiply-adds.
  share(execution, 16.0 * static_cast<double>(a.size()), a.rows, 1, [&](Index begin, Index end) {
    engine_kernels(execution.isa)
        .sum_rows({a.data + begin * a.stride, a.stride, sums + begin, end - begin, a.cols, accumulate});
  });
}

}  // namespace jsc
