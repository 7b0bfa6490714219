// The operations of a training step one by one, forward and backward, beside LibTorch and Eigen:
//
//   bench_ops --benchmark_filter=batch_norm_relu_forward/64/256      operation / features / batch
//
// One race a case (rounds.hpp), 1 thread. Counters are bytes/s of each contestant, counting every array that
// an operation reads or writes once, and `elements`, values/s of ours. All that we compute is compared with
// the plain references to the bit before it is timed, the first result of peers within rounding. Peers keep
// their own layouts; a peer that has no such operation does not take part. linear_backward is d_x, d_w and
// d_b together.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "bench/main.hpp"
#include "bench/peers/ops_peers.hpp"
#include "bench/rounds.hpp"
#include "engine/arena.hpp"
#include "engine/gather.hpp"
#include "engine/random.hpp"
#include "ops/add.hpp"
#include "ops/batch_norm.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/kernels/reference.hpp"
#include "ops/linear.hpp"
#include "ops/mul.hpp"
#include "ops/optimizer.hpp"
#include "ops/relu.hpp"
#include "ops/sigmoid.hpp"
#include "ops/tanh.hpp"

namespace jsc {

namespace {

constexpr float kEps = 1e-5F, kMomentum = 0.1F, kRate = 1e-3F;
constexpr Index kRows = 36 * 4096, kClasses = 5;  // of the data set, as in training.cpp

Execution execution() {
  return {detected_isa(), 1, false};
}

Matrix random_matrix(Arena& arena, Index rows, Index cols, std::uint64_t stream) {
  const Matrix m = arena.matrix(rows, cols);
  for (Index r = 0; r < rows; ++r) fill_normal({stream, static_cast<std::uint64_t>(r)}, 0, m.row(r), cols);
  return m;
}

Matrix dense(Arena& arena, Index rows, Index cols) {
  return {arena.array<float>(rows * cols), rows, cols, cols};
}

// What an operation works on, and where it writes. `a` is the input or the first operand, `b` d_y or the
// second.
struct Field {
  Arena arena;
  Matrix a, b;
  Matrix w{}, bias{}, d_x{}, d_bias{};  // of linear layers
  std::vector<std::int32_t> labels;
  std::vector<float> class_weights = std::vector<float>(kClasses, 1.0F);
  // Of batch normalization, [features] each.
  float *mean, *inverse, *scale, *mean_d, *slope, *running_mean, *running_var, *d_weight, *d_shift;
  float* sums;  // [block][2][features]
  float* loss;  // sums of losses and weights, correct answers
  mutable std::int64_t batches = 0;

  Field(Index features, Index batch)
      : a(random_matrix(arena, features, batch, 1)), b(random_matrix(arena, features, batch, 2)) {
    for (Index i = 0; i < batch; ++i)
      labels.push_back(
          static_cast<std::int32_t>(uniform_below({3, 0}, static_cast<std::uint64_t>(i), kClasses)));
    for (float** numbers :
         {&mean, &inverse, &scale, &mean_d, &slope, &running_mean, &running_var, &d_weight, &d_shift})
      *numbers = arena.array<float>(features);
    sums = arena.array<float>(batch_norm_moments_size(features, batch));
    loss = arena.array<float>(3);
  }
  Index blocks() const { return block_count(a.cols); }
  CrossEntropyTarget target() const { return {kClasses, class_weights.data(), kClasses, 1.0F, 0.0F}; }
};

// The steps of ops/batch_norm.cpp with the kernels of one table.
void batch_norm_relu_forward(const OpsKernels& kernels, const Field& f, Matrix y) {
  const Index features = f.a.rows;
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    float* sums = f.sums + 2 * features * i;
    kernels.moments(features, block.count(), f.a.data + block.begin, f.a.stride, sums, sums + features);
  }
  batch_norm_statistics(features, f.a.cols, f.sums, {f.running_mean, f.running_var, &f.batches}, kEps,
                        kMomentum, f.mean, f.inverse);
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    kernels.normalize(features, block.count(), {f.mean, f.inverse, nullptr, true}, f.a.data + block.begin,
                      f.a.stride, y.data + block.begin, y.stride);
  }
}

// Needs mean and inverse of the forward direction.
void batch_norm_relu_backward(const OpsKernels& kernels, const Field& f, Matrix d_x) {
  const Index features = f.a.rows;
  const NormalizeRows norm{f.mean, f.inverse, nullptr, true};
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    float* sums = f.sums + 2 * features * i;
    kernels.batch_norm_sums(features, block.count(), norm, f.a.data + block.begin, f.a.stride,
                            f.b.data + block.begin, f.b.stride, sums, sums + features);
  }
  const auto n = static_cast<float>(f.a.cols);
  for (Index r = 0; r < features; ++r) {
    float plain = 0, centered = 0;
    for (Index i = 0; i < f.blocks(); ++i) {
      plain += f.sums[2 * features * i + r];
      centered += f.sums[2 * features * i + features + r];
    }
    f.d_shift[r] = plain;
    f.d_weight[r] = centered * f.inverse[r];
    f.mean_d[r] = plain / n;
    f.slope[r] = centered / n * f.inverse[r] * f.inverse[r];
  }
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    kernels.batch_norm_backward(features, block.count(), norm, f.mean_d, f.slope, f.a.data + block.begin,
                                f.a.stride, f.b.data + block.begin, f.b.stride, d_x.data + block.begin,
                                d_x.stride, false);
  }
}

// Of logits a; y gets the probabilities.
void cross_entropy_forward(const OpsKernels& kernels, const Field& f, Matrix y) {
  std::fill_n(f.loss, 3, 0.0F);
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    const CrossEntropySums sums =
        kernels.cross_entropy_forward(f.target(), block.count(), f.a.data + block.begin, f.a.stride,
                                      f.labels.data() + block.begin, y.data + block.begin, y.stride);
    f.loss[0] += sums.loss;
    f.loss[1] += sums.weights;
    f.loss[2] += static_cast<float>(sums.correct);
  }
}

// Of probabilities b.
void cross_entropy_backward(const OpsKernels& kernels, const Field& f, Matrix d_x) {
  for (Index i = 0; i < f.blocks(); ++i) {
    const SampleBlock block = sample_block(i, f.a.cols);
    kernels.cross_entropy_backward(f.target(), block.count(), 1.0F / static_cast<float>(f.a.cols),
                                   f.b.data + block.begin, f.b.stride, f.labels.data() + block.begin,
                                   d_x.data + block.begin, d_x.stride, false);
  }
}

// The references that the functions above need.
const OpsKernels& reference_kernels() {
  static const OpsKernels table = [] {
    OpsKernels t{};
    t.moments = reference::moments;
    t.normalize = reference::normalize;
    t.batch_norm_sums = reference::batch_norm_sums;
    t.batch_norm_backward = reference::batch_norm_backward;
    t.cross_entropy_forward = reference::cross_entropy_forward;
    t.cross_entropy_backward = reference::cross_entropy_backward;
    return t;
  }();
  return table;
}

struct Operation {
  const char* name;
  int arrays;  // of features x batch, read or written
  void (*own)(const Field&, Matrix y);
  void (*reference)(const Field&, Matrix y);
  std::vector<Matrix> (*others)(const Field&) = nullptr;  // what it computes besides y
};

template <void (*kReference)(Index, const float*, float*)>
void rows_of_a(const Field& f, Matrix y) {
  for (Index r = 0; r < y.rows; ++r) kReference(y.cols, f.a.row(r), y.row(r));
}
template <void (*kReference)(Index, const float*, const float*, float*)>
void rows_of_both(const Field& f, Matrix y) {
  for (Index r = 0; r < y.rows; ++r) kReference(y.cols, f.a.row(r), f.b.row(r), y.row(r));
}
template <void (*kReference)(Index, const float*, const float*, float*, bool)>
void rows_of_gradient(const Field& f, Matrix y) {
  for (Index r = 0; r < y.rows; ++r) kReference(y.cols, f.a.row(r), f.b.row(r), y.row(r), false);
}
template <void (*kSteps)(const OpsKernels&, const Field&, Matrix)>
void own_steps(const Field& f, Matrix y) {
  kSteps(ops_kernels(execution().isa), f, y);
}
template <void (*kSteps)(const OpsKernels&, const Field&, Matrix)>
void reference_steps(const Field& f, Matrix y) {
  kSteps(reference_kernels(), f, y);
}

std::vector<Matrix> rows_of(Index n, std::initializer_list<float*> arrays) {
  std::vector<Matrix> rows;
  for (float* array : arrays) rows.push_back({array, 1, n, n});
  return rows;
}

const Operation kOperations[] = {
    {"relu_forward", 2, [](const Field& f, Matrix y) { relu_forward(execution(), f.a, y); },
     [](const Field& f, Matrix y) {
       reference::relu_forward(y.rows, y.cols, f.a.data, f.a.stride, y.data, y.stride);
     }},
    {"relu_backward", 3, [](const Field& f, Matrix y) { relu_backward(execution(), f.a, f.b, y, false); },
     [](const Field& f, Matrix y) {
       reference::relu_backward(y.rows, y.cols, f.a.data, f.a.stride, f.b.data, f.b.stride, y.data, y.stride,
                                false);
     }},
    {"add", 3, [](const Field& f, Matrix y) { add_forward(execution(), f.a, f.b, y); },
     rows_of_both<reference::add>},
    {"mul", 3, [](const Field& f, Matrix y) { mul_forward(execution(), f.a, f.b, y); },
     rows_of_both<reference::multiply>},
    {"mul_backward", 3, [](const Field& f, Matrix y) { mul_backward(execution(), f.a, f.b, y, false); },
     rows_of_gradient<reference::multiply_backward>},
    {"sigmoid_forward", 2, [](const Field& f, Matrix y) { sigmoid_forward(execution(), f.a, y); },
     rows_of_a<reference::sigmoid_forward>},
    {"sigmoid_backward", 3,
     [](const Field& f, Matrix y) { sigmoid_backward(execution(), f.a, f.b, y, false); },
     rows_of_gradient<reference::sigmoid_backward>},
    {"tanh_forward", 2, [](const Field& f, Matrix y) { tanh_forward(execution(), f.a, y); },
     rows_of_a<reference::tanh_forward>},
    {"tanh_backward", 3, [](const Field& f, Matrix y) { tanh_backward(execution(), f.a, f.b, y, false); },
     rows_of_gradient<reference::tanh_backward>},
    {"batch_norm_relu_forward", 3, own_steps<batch_norm_relu_forward>,
     reference_steps<batch_norm_relu_forward>,
     [](const Field& f) {
       return rows_of(f.a.rows, {f.mean, f.inverse, f.running_mean, f.running_var});
     }},
    {"batch_norm_relu_backward", 5, own_steps<batch_norm_relu_backward>,
     reference_steps<batch_norm_relu_backward>,
     [](const Field& f) {
       return rows_of(f.a.rows, {f.d_weight, f.d_shift});
     }},
};
const Operation kLosses[] = {
    {"cross_entropy_forward", 2, own_steps<cross_entropy_forward>, reference_steps<cross_entropy_forward>,
     [](const Field& f) { return rows_of(3, {f.loss}); }},
    {"cross_entropy_backward", 2, own_steps<cross_entropy_backward>, reference_steps<cross_entropy_backward>},
};

struct Output {
  ConstMatrix found, expected;
};

// A result wrong -> an error; otherwise the race. `own` computes the outputs, peers the first of them.
void race(benchmark::State& state, const OpProblem& problem, double elements, double bytes,
          const std::function<void()>& own, const std::vector<Output>& outputs) {
  const auto right = [](const auto& value, ConstMatrix expected, float tolerance) {
    for (Index r = 0; r < expected.rows; ++r)
      for (Index c = 0; c < expected.cols; ++c)
        if (!(std::abs(value(r, c) - expected(r, c)) <= tolerance * (1.0F + std::abs(expected(r, c)))))
          return false;
    return true;
  };
  own();
  for (const Output& output : outputs)
    if (!right(output.found, output.expected, 0.0F))
      return state.SkipWithError("jsc and the reference disagree");
  std::vector<Contestant> contestants = {{"jsc", bytes, own}};
  const auto add_peer = [&](const char* name, const OpPeer& peer) {
    if (!peer.run) return true;
    peer.run();
    if (peer.result && !right(peer.result, outputs[0].expected, 1e-4F)) {
      state.SkipWithError(("wrong result: " + std::string(name)).c_str());
      return false;
    }
    contestants.push_back({name, bytes, peer.run});
    return true;
  };
#ifdef JSC_BENCH_LIBTORCH
  if (!add_peer("libtorch", torch_op(problem))) return;
#endif
#ifdef JSC_BENCH_EIGEN
  if (detected_isa() >= Isa::JSC_BENCH_EIGEN && !add_peer("eigen", eigen_op(problem))) return;
#endif
  static_cast<void>(problem);
  for (auto _ : state) {
    const Race result(contestants, {.rounds = 9});
    for (const Contestant& contestant : contestants)
      state.counters[contestant.name] = result.rate(contestant.name);
    state.counters["elements"] = result.rate("jsc") * elements / bytes;
    state.SetIterationTime(bytes / result.rate("jsc"));
  }
}

void time_operation(benchmark::State& state, const Operation& operation, Index features, Index batch) {
  Field f(features, batch);
  const Matrix y = f.arena.matrix(features, batch), expected = f.arena.matrix(features, batch);
  const std::string name = operation.name;
  const Matrix probabilities = f.arena.matrix(features, batch);
  const ConstMatrix d_y = f.b;
  if (name == "batch_norm_relu_backward") batch_norm_relu_forward(reference_kernels(), f, y);
  if (name == "cross_entropy_backward") {
    cross_entropy_forward(reference_kernels(), f, probabilities);
    f.b = probabilities;
  }
  operation.reference(f, expected);
  std::vector<Output> outputs = {{y, expected}};
  if (operation.others != nullptr)
    for (const Matrix& found : operation.others(f)) {
      const Matrix kept = dense(f.arena, 1, found.cols);
      std::swap_ranges(found.data, found.data + found.cols, kept.data);  // ours starts from zeros, too
      outputs.push_back({found, kept});
    }
  OpProblem problem{name, f.a, d_y};
  if (name.starts_with("cross_entropy")) problem.labels = f.labels.data();
  const auto elements = static_cast<double>(features * batch);
  race(
      state, problem, elements, 4.0 * elements * operation.arrays, [&] { operation.own(f, y); }, outputs);
}

void time_linear(benchmark::State& state, bool forward, Index in, Index out, Index batch) {
  Arena arena;
  const Matrix x = random_matrix(arena, in, batch, 1), d_y = random_matrix(arena, out, batch, 2);
  const Matrix w = dense(arena, out, in), bias = dense(arena, 1, out), d_bias = dense(arena, 1, out);
  fill_normal({3, 0}, 0, w.data, w.size());
  fill_normal({4, 0}, 0, bias.data, bias.size());
  const Matrix d_x = arena.matrix(in, batch), y = forward ? arena.matrix(out, batch) : dense(arena, out, in);
  const Matrix expected = forward ? arena.matrix(out, batch) : dense(arena, out, in);
  const auto numbers = [](const auto&... m) { return 4.0 * static_cast<double>((m.size() + ...)); };
  const double values = static_cast<double>((in + out) * batch);
  if (forward) {
    reference::gemm_forward(w, bias.data, x, expected);
    race(state, {"linear_forward", x, {}, w, bias.data}, values, numbers(x, w, bias, y),
         [&] { linear_forward(execution(), x, w, bias, y); }, {{y, expected}});
  } else {
    const Matrix expected_d_x = arena.matrix(in, batch), expected_d_bias = dense(arena, 1, out);
    reference::gemm_backward_weight(d_y, x, expected, false);
    reference::gemm_backward_input(w, d_y, expected_d_x, false);
    reference::row_sums(d_y, expected_d_bias.data, false);
    race(state, {"linear_backward", x, d_y, w, bias.data}, values, numbers(x, d_y, w, d_x, y, d_bias),
         [&] {
           linear_backward_input(execution(), w, d_y, d_x, false);
           linear_backward_weight(execution(), x, d_y, y, false);
           linear_backward_bias(execution(), d_y, d_bias, false);
         },
         {{y, expected}, {d_x, expected_d_x}, {d_bias, expected_d_bias}});
  }
}

void time_gather(benchmark::State& state, Index features, Index batch) {
  static const std::vector<float> rows = [features] {
    std::vector<float> values(static_cast<std::size_t>(kRows * features));
    fill_normal({1, 0}, 0, values.data(), std::ssize(values));
    return values;
  }();
  std::vector<std::uint32_t> indices(static_cast<std::size_t>(kRows));
  std::iota(indices.begin(), indices.end(), 0U);
  shuffle({2, 0}, indices.data(), kRows);
  Arena arena;
  const Matrix y = arena.matrix(features, batch), expected = arena.matrix(features, batch);
  for (Index r = 0; r < features; ++r)
    for (Index i = 0; i < batch; ++i)
      expected(r, i) = rows[static_cast<std::size_t>(indices[static_cast<std::size_t>(i)] * features + r)];
  OpProblem problem{"gather", y};
  problem.rows = rows.data();
  problem.count = kRows;
  problem.indices = indices.data();
  const auto elements = static_cast<double>(y.size());
  race(state, problem, elements, 8.0 * elements + 4.0 * static_cast<double>(batch),
       [&] { gather_rows(execution(), rows.data(), features, indices.data(), y); }, {{y, expected}});
}

void time_shuffle(benchmark::State& state, Index n) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(n)), expected = order;
  std::iota(expected.begin(), expected.end(), 0U);
  std::vector<std::uint32_t> sorted = expected;
  for (Index i = n; i >= 2; --i)
    std::swap(expected[static_cast<std::size_t>(i - 1)],
              expected[uniform_below({1, 0}, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i))]);
  const auto own = [&] {
    std::iota(order.begin(), order.end(), 0U);
    shuffle({1, 0}, order.data(), n);
  };
  own();
  if (order != expected) return state.SkipWithError("jsc and the reference disagree");
  race(state, {"shuffle", {nullptr, 1, n, n}}, static_cast<double>(n), 8.0 * static_cast<double>(n), own, {});
}

void time_optimizer(benchmark::State& state, bool adam, Index n) {
  Arena arena;
  const Matrix start = random_matrix(arena, 1, n, 1), g = random_matrix(arena, 1, n, 2);
  const Matrix w = arena.matrix(1, n), expected = arena.matrix(1, n), m = arena.matrix(1, n),
               v = arena.matrix(1, n);
  for (Matrix to : {w, expected}) std::copy_n(start.data, n, to.data);
  const OptimizerOptions options{.name = adam ? "adam" : "sgd", .momentum = adam ? 0.0 : 0.9};
  if (adam) {
    AdamStep step{};
    step.shrink = 1.0F;
    step.beta1 = static_cast<float>(options.beta1);
    step.beta2 = static_cast<float>(options.beta2);
    step.one_minus_beta1 = static_cast<float>(1.0 - options.beta1);
    step.one_minus_beta2 = static_cast<float>(1.0 - options.beta2);
    step.step_size = static_cast<float>(1e-3 / (1.0 - options.beta1));
    step.bias_correction2_sqrt = static_cast<float>(std::sqrt(1.0 - options.beta2));
    step.eps = static_cast<float>(options.eps);
    reference::adam_step(n, step, expected.data, g.data, m.data, v.data);
  } else {
    reference::sgd_step(n, {kRate, 0.0F, 0.9F, false}, expected.data, g.data, m.data);
  }
  const auto optimizer = make_optimizer(options, n);
  const auto size = static_cast<std::size_t>(n);
  race(state, {adam ? "adam_step" : "sgd_step", start, g}, static_cast<double>(n),
       4.0 * static_cast<double>(n) * (adam ? 7 : 5),
       [&] {
         optimizer->step(execution(), {w.data, size}, {g.data, size}, 1e-3);
       },
       {{w, expected}});
}

template <class Time, class... Arguments>
void add_case(const std::string& name, const Time& time, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { time(state, arguments...); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMicrosecond);
}

std::string case_name(const std::string& operation, const std::string& features, Index batch) {
  return operation + "/" + features + "/" + std::to_string(batch);
}

}  // namespace

void register_benchmarks() {
  constexpr Index kFewBatches[] = {64, 256, 1024, 4096};
  const auto with_batches = [&](const std::string& name, const std::string& features, const auto& time,
                                auto... more) {
    for (const Index batch : kFewBatches) add_case(case_name(name, features, batch), time, more..., batch);
  };
  for (const Operation& operation : kOperations)
    for (const Index features : {16, 64})
      with_batches(operation.name, std::to_string(features), time_operation, operation, features);
  for (const Operation& loss : kLosses) with_batches(loss.name, "5", time_operation, loss, kClasses);
  for (const auto& [in, out] : {std::pair<Index, Index>{16, 5}, {16, 64}, {64, 32}}) {
    const std::string features = std::to_string(in) + "x" + std::to_string(out);
    with_batches("linear_forward", features, time_linear, true, in, out);
    with_batches("linear_backward", features, time_linear, false, in, out);
  }
  with_batches("gather", "16", time_gather, Index{16});
  add_case(case_name("shuffle", "1", kRows), time_shuffle, kRows);
  for (const Index parameters : {320, 11072, 1 << 20}) {  // jsc-toy, jsc-test, and what leaves the L2
    add_case(case_name("adam_step", "1", parameters), time_optimizer, true, parameters);
    add_case(case_name("sgd_step", "1", parameters), time_optimizer, false, parameters);
  }
}

}  // namespace jsc
