// The three products of a layer, ours beside OpenBLAS, libxsmm and oneDNN, in one race (rounds.hpp):
//
//   bench_gemm --benchmark_filter=forward/16/5/256      role / in / out / batch [/ threads]
//
// Counters are GFLOP/s (medians over the rounds) of each contestant and of the processor's peak, and the
// medians of the rounds' ratios: jsc/libxsmm, jsc/peak, ... Every contestant's result is checked before it is
// timed: ours against the reference to the bit, the others within rounding. Everybody runs in the fastest of
// the forms it has: the peers' are in peers/gemm_peers.hpp, ours are rows of all samples and, as training
// keeps them, of blocks of samples. jsc_bias is forward with the bias that a layer adds, for which the others
// are not asked; jsc_blas, at squares, is jsc with OpenBLAS admitted, as with --blas. For two threads set
// GOMP_SPINCOUNT=2000, as run.py does: OpenMP's would spin on into the next contestant's turn.
#include "engine/gemm.hpp"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <memory>

#include "bench/peak.hpp"
#include "bench/peers/gemm_peers.hpp"
#include "bench/rounds.hpp"
#include "bench/shapes.hpp"
#include "engine/arena.hpp"
#include "engine/kernels/reference.hpp"
#include "engine/random.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

// Activations as a tape lays them out, and dense parameters.
struct Layer {
  Arena arena;
  Matrix x, d_y, y, d_x, w, d_w, bias;
  Layer(Index in, Index out, Index batch)
      : x(arena.matrix(in, batch)),
        d_y(arena.matrix(out, batch)),
        y(arena.matrix(out, batch)),
        d_x(arena.matrix(in, batch)),
        w(parameter(out, in)),
        d_w(parameter(out, in)),
        bias(parameter(1, out)) {
    std::uint64_t stream = 0;
    for (Matrix m : {w, x, d_y, bias}) fill_normal({1, ++stream}, 0, m.data, m.rows * m.stride);
  }
  Matrix parameter(Index rows, Index cols) { return {arena.array<float>(rows * cols), rows, cols, cols}; }
};

void run_product(const GemmProblem& p, const float* bias, const Matrix& to, const Execution& execution,
                 bool accumulate = false) {
  if (p.role == GemmRole::forward)
    gemm_forward(execution, p.w, bias, p.x, to);
  else if (p.role == GemmRole::backward_input)
    gemm_backward_input(execution, p.w, p.d_y, to, accumulate);
  else
    gemm_backward_weight(execution, p.d_y, p.x, to, accumulate);
}

// The same with the blocks of samples apart, as training keeps them (Arena::blocks).
struct Blocks {
  Arena arena;
  std::vector<GemmProblem> problems;  // one for each block
  std::vector<Matrix> results;
  Matrix result;
  Blocks(const GemmProblem& p, const Layer& layer) {
    const Matrix x = copy(p.x), d_y = copy(p.d_y);
    const bool to_weights = p.role == GemmRole::backward_weight;
    result = to_weights ? layer.d_w : arena.blocks(p.result_rows(), p.batch());
    for (Index b = 0; b < block_count(p.batch()); ++b) {
      const SampleBlock block = sample_block(b, p.batch());
      problems.push_back({p.role, p.w, columns(x, block), columns(d_y, block), 1});
      results.push_back(to_weights ? result : columns(result, block));
    }
  }
  Matrix copy(const ConstMatrix& m) {
    const Matrix blocks = arena.blocks(m.rows, m.cols);
    for (Index r = 0; r < m.rows; ++r)
      for (Index c = 0; c < m.cols; ++c) blocks(r, c) = m(r, c);
    return blocks;
  }
  void run(const float* bias, const Execution& execution) const {
    const Execution alone = {execution.isa, 1, false};
    if (problems[0].role == GemmRole::backward_weight) {  // block after block, since they add up
      for (std::size_t b = 0; b < problems.size(); ++b)
        run_product(problems[b], bias, results[b], execution, b > 0);
    } else {
      parallel_for(execution.threads, static_cast<Index>(problems.size()), [&](Index b) {
        const auto i = static_cast<std::size_t>(b);
        run_product(problems[i], bias, results[i], alone);
      });
    }
  }
};

// `blocks` may be null.
std::vector<GemmForm> our_forms(const GemmProblem& p, const Layer& layer,
                                const std::shared_ptr<const Blocks>& blocks, const float* bias,
                                const Execution& execution) {
  const Matrix to = p.role == GemmRole::forward          ? layer.y
                    : p.role == GemmRole::backward_input ? layer.d_x
                                                         : layer.d_w;
  std::vector<GemmForm> forms = {{"whole rows", [=] { run_product(p, bias, to, execution); },
                                  [=](Index r, Index c) -> float& { return to(r, c); }}};
  if (blocks != nullptr)
    forms.push_back({"blocks of 512", [=] { blocks->run(bias, execution); },
                     [=](Index r, Index c) -> float& { return blocks->result(r, c); }});
  return forms;
}

// The last rows of the result (all of them for the layers of this field and squares up to 256), by the
// reference.
struct Expected {
  static constexpr Index kMostChecked = 64 * 128 * 4096;  // products of sums
  Index first;
  Tensor rows;
  Expected(const GemmProblem& p, const float* bias)
      : first(std::max<Index>(
            0, p.result_rows() - kMostChecked / (p.in() * p.out() * p.batch() / p.result_rows()) - 8)),
        rows(p.result_rows() - first, p.result_cols()) {
    ConstMatrix w = p.w, d_y = p.d_y;
    if (p.role == GemmRole::backward_input) {
      w.data += first;
      w.cols = rows.rows();
      reference::gemm_backward_input(w, d_y, rows.view(), false);
    } else if (p.role == GemmRole::forward) {
      w.data += first * w.stride;
      w.rows = rows.rows();
      reference::gemm_forward(w, bias != nullptr ? bias + first : nullptr, p.x, rows.view());
    } else {
      d_y.data += first * d_y.stride;
      d_y.rows = rows.rows();
      reference::gemm_backward_weight(d_y, p.x, rows.view(), false);
    }
  }
  bool met(const GemmForm& form, bool to_the_bit) const {
    for (Index r = 0; r < rows.rows(); ++r)  // another contestant's may be there
      for (Index c = 0; c < rows.cols(); ++c)
        form.result(first + r, c) = std::numeric_limits<float>::quiet_NaN();
    form.run();
    for (Index r = 0; r < rows.rows(); ++r)
      for (Index c = 0; c < rows.cols(); ++c) {
        const float difference = std::abs(form.result(first + r, c) - rows(r, c));
        if (!(to_the_bit ? difference == 0.0F : difference < 2e-3F)) return false;
      }
    return true;
  }
};

void product(benchmark::State& state, GemmRole role) {
  const Index in = state.range(0), out = state.range(1), batch = state.range(2);
  const int threads = static_cast<int>(state.range(3));
  const Layer layer(in, out, batch);
  const GemmProblem problem{role, layer.w, layer.x, layer.d_y, threads};
  const double flops = 2.0 * static_cast<double>(in * out * batch);
  RaceOptions options;
  options.clock = threads == 1 ? Clock::processor : Clock::wall;
  if (flops > 1e8) options.rounds = flops > 1e10 ? 3 : 5;  // some seconds a case are enough

  std::vector<Contestant> contestants;
  std::string label;  // the form that each contestant chose
  const auto add = [&](const std::string& name, const std::vector<GemmForm>& forms, const Expected& rows,
                       bool exact) {
    std::vector<Contestant> all;
    for (const GemmForm& form : forms) {
      if (!rows.met(form, exact))
        return state.SkipWithError(("wrong result: " + name + ", " + form.name).c_str());
      all.push_back({form.name, flops, form.run});
    }
    if (all.empty()) return;
    RaceOptions trial = options;
    trial.rounds = (options.rounds + 1) / 3;
    const Contestant& best = all.size() == 1 ? all[0] : fastest(all, trial);
    label += name + ": " + best.name + "; ";
    contestants.push_back({name, flops, best.run});
  };
  const bool square = in == out && out == batch;  // of which OpenBLAS is the peer: no blocks
  const auto blocks =
      batch > kSampleBlock && !square ? std::make_shared<const Blocks>(problem, layer) : nullptr;
  const Expected expected(problem, nullptr);
  for (Isa isa : {Isa::avx512, Isa::avx2}) {
    if (isa > detected_isa()) continue;
    const std::string suffix = isa == detected_isa() ? "" : "_" + std::string(isa_name(isa));
    add("jsc" + suffix, our_forms(problem, layer, blocks, nullptr, {isa, threads, false}), expected, true);
    constexpr std::ptrdiff_t kSteps = 1000;
    const double work = run_fma_peak(isa, kSteps);
    if (threads == 1) contestants.push_back({"peak" + suffix, work, [=] { run_fma_peak(isa, kSteps); }});
  }
  if (square)
    add("jsc_blas", our_forms(problem, layer, blocks, nullptr, {detected_isa(), threads, true}), expected,
        false);
  if (role == GemmRole::forward)
    add("jsc_bias", our_forms(problem, layer, blocks, layer.bias.data, {detected_isa(), threads, false}),
        Expected(problem, layer.bias.data), true);
  add("openblas", openblas_forms(problem), expected, false);
#ifdef JSC_BENCH_LIBXSMM
  if (threads == 1 && flops < 1e7 * 30) add("libxsmm", libxsmm_forms(problem), expected, false);
#endif
#ifdef JSC_BENCH_ONEDNN
  add("onednn", onednn_forms(problem), expected, false);
#endif

  state.SetLabel(label);
  for (auto _ : state) {
    const Race race(contestants, options);
    for (const Contestant& contestant : contestants) {
      state.counters[contestant.name] = race.rate(contestant.name) / 1e9;
      if (contestant.name != "jsc")
        state.counters["jsc/" + contestant.name] = race.ratio("jsc", contestant.name);
    }
    if (threads == 1 && detected_isa() == Isa::avx512)
      state.counters["jsc_avx2/peak_avx2"] = race.ratio("jsc_avx2", "peak_avx2");
    if (role == GemmRole::forward) state.counters["jsc_bias/jsc"] = race.ratio("jsc_bias", "jsc");
    if (state.counters.contains("jsc_blas"))
      state.counters["jsc_blas/openblas"] = race.ratio("jsc_blas", "openblas");
    state.SetIterationTime(flops / (race.rate("jsc")));
  }
}

void arguments(benchmark::internal::Benchmark* b) {
  b->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);
  for (const LayerShape& shape : kLayerShapes)
    for (int batch : {64, 256, 1024, 4096}) b->Args({shape.in, shape.out, batch, 1});
  for (int side : {256, 512, 1024, 2048}) b->Args({side, side, side, 1});
  if (omp_get_num_procs() < 2) return;
  for (const LayerShape& shape : kLayerShapes)
    for (int batch : {1024, 4096}) b->Args({shape.in, shape.out, batch, 2});
  for (int side : {256, 512, 1024, 2048}) b->Args({side, side, side, 2});
}

BENCHMARK_CAPTURE(product, forward, GemmRole::forward)->Name("forward")->Apply(arguments);
BENCHMARK_CAPTURE(product, d_x, GemmRole::backward_input)->Name("d_x")->Apply(arguments);
BENCHMARK_CAPTURE(product, d_w, GemmRole::backward_weight)->Name("d_w")->Apply(arguments);

}  // namespace

}  // namespace jsc

BENCHMARK_MAIN();
