// The three products of a layer, ours and OpenBLAS, one thread: bench_gemm
// --benchmark_filter=forward/16/5/256 Arguments in, out, batch. Each result is checked before it is timed:
// ours against the reference to the bit, OpenBLAS within rounding.
#include "engine/gemm.hpp"

#include <benchmark/benchmark.h>

#include <cmath>

#include "bench/shapes.hpp"
#include "engine/gemm_blas.hpp"
#include "engine/kernels/reference.hpp"
#include "engine/random.hpp"

namespace jsc {

namespace {

enum class Who { jsc, openblas };

struct Layer {
  Tensor w, x, y;  // in the backward roles y is d_y
  Layer(Index in, Index out, Index batch) : w(out, in), x(in, batch), y(out, batch) {
    std::uint64_t stream = 0;
    for (Matrix m : {w.view(), x.view(), y.view()}) fill_normal({1, ++stream}, 0, m.data, m.rows * m.stride);
  }
};

template <GemmRole role>
void compute(Who who, const Layer& layer, Matrix result) {
  const Execution execution{detected_isa(), 1, false};
  const ConstMatrix w = layer.w.view(), x = layer.x.view(), y = layer.y.view();
  const bool own = who == Who::jsc;
  if constexpr (role == GemmRole::forward)
    own ? gemm_forward(execution, w, nullptr, x, result) : blas_forward(execution, w, nullptr, x, result);
  else if constexpr (role == GemmRole::backward_input)
    own ? gemm_backward_input(execution, w, y, result, false)
        : blas_backward_input(execution, w, y, result, false);
  else
    own ? gemm_backward_weight(execution, y, x, result, false)
        : blas_backward_weight(execution, y, x, result, false);
}

template <GemmRole role>
bool right(Who who, const Layer& layer, ConstMatrix result) {
  Tensor expected(result.rows, result.cols);
  if constexpr (role == GemmRole::forward)
    reference::gemm_forward(layer.w.view(), nullptr, layer.x.view(), expected.view());
  else if constexpr (role == GemmRole::backward_input)
    reference::gemm_backward_input(layer.w.view(), layer.y.view(), expected.view(), false);
  else
    reference::gemm_backward_weight(layer.y.view(), layer.x.view(), expected.view(), false);
  for (Index r = 0; r < result.rows; ++r)
    for (Index c = 0; c < result.cols; ++c) {
      const float difference = std::abs(result(r, c) - expected(r, c));
      if (!(who == Who::jsc ? difference == 0.0F : difference < 1e-3F)) return false;
    }
  return true;
}

template <GemmRole role, Who who>
void product(benchmark::State& state) {
  const Index in = state.range(0), out = state.range(1), batch = state.range(2);
  const Layer layer(in, out, batch);
  Tensor result = role == GemmRole::forward          ? Tensor(out, batch)
                  : role == GemmRole::backward_input ? Tensor(in, batch)
                                                     : Tensor(out, in);
  compute<role>(who, layer, result.view());
  if (!right<role>(who, layer, result.view())) return state.SkipWithError("wrong result");
  for (auto _ : state) {
    compute<role>(who, layer, result.view());
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(in * out * batch),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void arguments(benchmark::internal::Benchmark* b) {
  for (const LayerShape& shape : kLayerShapes)
    for (int batch : kBatches) b->Args({shape.in, shape.out, batch});
  for (int side : {256, 512, 1024}) b->Args({side, side, side});
}

BENCHMARK_TEMPLATE(product, GemmRole::forward, Who::jsc)->Name("forward/jsc")->Apply(arguments);
BENCHMARK_TEMPLATE(product, GemmRole::forward, Who::openblas)->Name("forward/openblas")->Apply(arguments);
BENCHMARK_TEMPLATE(product, GemmRole::backward_input, Who::jsc)->Name("d_x/jsc")->Apply(arguments);
BENCHMARK_TEMPLATE(product, GemmRole::backward_input, Who::openblas)->Name("d_x/openblas")->Apply(arguments);
BENCHMARK_TEMPLATE(product, GemmRole::backward_weight, Who::jsc)->Name("d_w/jsc")->Apply(arguments);
BENCHMARK_TEMPLATE(product, GemmRole::backward_weight, Who::openblas)->Name("d_w/openblas")->Apply(arguments);

}  // namespace

}  // namespace jsc

BENCHMARK_MAIN();
