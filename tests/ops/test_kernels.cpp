// Every kernel of ops on every ISA that runs here against the plain loops, to the bit, with guards around
// every output; and that none was forgotten.
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <string>

#include "engine/random.hpp"
#include "ops/kernels/reference.hpp"
#include "tests/support/tolerances.hpp"

using namespace jsc;

namespace {

constexpr Index kClasses = 5;
constexpr Index kGuard = 32;

// The table under test, seen through counters.
const OpsKernels* under_test = nullptr;

template <auto Member>
struct Counted;
template <class Result, class... Arguments, Result (*OpsKernels::*Member)(Arguments...)>
struct Counted<Member> {
  static inline int calls = 0;
  static Result call(Arguments... arguments) {
    ++calls;
    return (under_test->*Member)(arguments...);
  }
};

const OpsKernels kCounted = {
#define JSC_OPS_KERNEL(name, result, arguments) Counted<&OpsKernels::name>::call,
#include "ops/kernels/kernels.inc"
#undef JSC_OPS_KERNEL
};

const OpsKernels kReference = {
#define JSC_OPS_KERNEL(name, result, arguments) reference::name,
#include "ops/kernels/kernels.inc"
#undef JSC_OPS_KERNEL
};

// Arrays of one size filled with the same values for every table, and all that a kernel wrote or yielded.
class Case {
 public:
  Case(Index samples, bool accumulates) : n(samples), accumulate(accumulates) {}

  // kClasses rows of n values about 0 (some are corners: 0, -0, 1, -1, or large), `stride()` apart.
  float* values() {
    Index size = kClasses * stride() + 2 * kGuard;
    arrays_.emplace_back(static_cast<std::size_t>(size));
    float* p = arrays_.back().data();
    fill_normal({7, arrays_.size()}, 0, p, size);
    constexpr float kCorners[] = {0.0F, -0.0F, 1.0F, -1.0F, 60.0F, -60.0F, 1e-20F};
    for (Index i = kGuard, k = 0; i < size - kGuard; i += 11, ++k) p[i] = kCorners[k % 7];
    return p + kGuard;
  }
  float* positive() {
    float* p = values();
    for (float& v : arrays_.back()) v = std::fabs(v);
    return p;
  }
  const std::int32_t* labels() {
    labels_.resize(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < labels_.size(); ++i)
      labels_[i] = static_cast<std::int32_t>(uniform_below({8, 0}, i, kClasses));
    return labels_.data();
  }
  void yielded(double value) { yielded_.push_back(value); }

  // Everything, guards included.
  bool operator==(const Case& other) const {
    if (yielded_ != other.yielded_ || arrays_.size() != other.arrays_.size()) return false;
    for (std::size_t i = 0; i < arrays_.size(); ++i)
      if (std::memcmp(arrays_[i].data(), other.arrays_[i].data(), arrays_[i].size() * sizeof(float)) != 0)
        return false;
    return true;
  }
  Index stride() const { return n + 3; }

  const Index n;
  const bool accumulate;

 private:
  std::vector<std::vector<float>> arrays_;
  std::vector<std::int32_t> labels_;
  std::vector<double> yielded_;
};

constexpr float kWeights[kClasses] = {0.5F, 1.0F, 2.0F, 1.5F, 0.25F};
constexpr float kMeans[kClasses] = {0.37F, -1.0F, 0.0F, 2.5F, -0.1F};
constexpr float kScales[kClasses] = {1.7F, 0.3F, -0.9F, 1.0F, 2.0F};
constexpr float kOffsets[kClasses] = {-0.2F, 0.5F, 0.0F, 1.0F, -1.5F};
constexpr CrossEntropyTarget kTargets[] = {{kClasses, kWeights, 5.25F, 1.0F, 0.0F},
                                           {kClasses, kWeights, 5.25F, 0.9F, 0.02F}};

// One call of each kernel (more where a flag changes the path).
void run_all(const OpsKernels& k, Case& c) {
  const Index n = c.n;
  const bool more = c.accumulate;
  const Index s = c.stride();
  k.relu_forward(kClasses, n, c.values(), s, c.values(), s);
  k.relu_backward(kClasses, n, c.values(), s, c.values(), s, c.values(), s, more);
  k.leaky_relu_forward(n, 0.1F, c.values(), c.values());
  k.leaky_relu_backward(n, 0.1F, c.values(), c.values(), c.values(), more);
  k.hardtanh_forward(n, -1.0F, 0.7F, c.values(), c.values());
  k.hardtanh_backward(n, -1.0F, 0.7F, c.values(), c.values(), c.values(), more);
  k.sigmoid_forward(n, c.values(), c.values());
  k.sigmoid_backward(n, c.values(), c.values(), c.values(), more);
  k.tanh_forward(n, c.values(), c.values());
  k.tanh_backward(n, c.values(), c.values(), c.values(), more);
  k.add(n, c.values(), c.values(), c.values());
  k.subtract(n, c.values(), c.values(), c.values());
  k.multiply(n, c.values(), c.values(), c.values());
  k.scale(n, -0.3F, c.values(), c.values(), more);
  k.multiply_backward(n, c.values(), c.values(), c.values(), more);
  k.dropout_forward(n, 0.4F, 1.0F / 0.6F, c.positive(), c.values(), c.values());

  float sums[2][kClasses];
  const auto yield_sums = [&] {
    for (const auto& row : sums)
      for (float sum : row) c.yielded(static_cast<double>(sum));
  };
  k.moments(kClasses, n, c.values(), s, sums[0], sums[1]);
  yield_sums();
  for (bool relu : {false, true}) {
    k.affine(kClasses, n, kScales, kOffsets, relu, c.values(), s, c.values(), s);
    for (const float* bias : {kOffsets, static_cast<const float*>(nullptr)}) {
      const NormalizeRows norm{kMeans, kScales, bias, relu};
      k.normalize(kClasses, n, norm, c.values(), s, c.values(), s);
      k.batch_norm_sums(kClasses, n, norm, c.values(), s, c.values(), s, sums[0], sums[1]);
      yield_sums();
      k.batch_norm_backward(kClasses, n, norm, kOffsets, kWeights, c.values(), s, c.values(), s, c.values(),
                            s, more);
    }
  }

  k.softmax_forward(kClasses, n, c.values(), s, c.values(), s);
  k.softmax_backward(kClasses, n, c.values(), s, c.values(), s, c.values(), s, more);
  for (const CrossEntropyTarget& target : kTargets) {
    for (float* probabilities : {c.values(), static_cast<float*>(nullptr)}) {
      const CrossEntropySums found =
          k.cross_entropy_forward(target, n, c.values(), s, c.labels(), probabilities, s);
      c.yielded(static_cast<double>(found.loss));
      c.yielded(static_cast<double>(found.weights));
      c.yielded(found.correct);
    }
    k.cross_entropy_backward(target, n, 0.01F, c.values(), s, c.labels(), c.values(), s, more);
  }
  c.yielded(static_cast<double>(k.sum_squared_differences(n, c.values(), c.values())));
  k.mse_backward(n, 0.01F, c.values(), c.values(), c.values(), more);

  for (bool nesterov : {true, false})
    k.sgd_step(n, {0.1F, 5e-4F, 0.9F, nesterov}, c.values(), c.values(), c.values());
  k.sgd_step(n, {0.1F, 0.0F, 0.0F, false}, c.values(), c.values(), nullptr);
  for (float decay : {0.0F, 0.01F})
    k.adam_step(n, {decay, 0.99F, 0.9F, 0.999F, 0.1F, 0.001F, 0.01F, 0.03F, 1e-8F}, c.values(), c.values(),
                c.values(), c.positive());
  for (Index count : {1, 3}) k.add_up(n, count, c.values(), s, c.values(), more);
  c.yielded(static_cast<double>(k.l1_penalty(n, 0.01F, c.values(), c.values())));
  c.yielded(static_cast<double>(k.sum_squares(n, c.values())));
}

std::map<std::string, int> counts() {
  return {
#define JSC_OPS_KERNEL(name, result, arguments) {#name, Counted<&OpsKernels::name>::calls},
#include "ops/kernels/kernels.inc"
#undef JSC_OPS_KERNEL
  };
}

}  // namespace

TEST_CASE("every kernel of ops gives the bits of the plain loop on every ISA") {
  for (Isa isa : supported_isas()) {
    under_test = &ops_kernels(isa);
    const auto before = counts();
    for (Index n : {1, 2, 15, 16, 17, 31, 33, 511, 512, 513, 1030})
      for (bool accumulate : {false, true}) {
        INFO(isa_name(isa) << ", n = " << n << ", accumulate = " << accumulate);
        Case found(n, accumulate), expected(n, accumulate);
        run_all(kCounted, found);
        run_all(kReference, expected);
        CHECK(found == expected);
      }
    for (const auto& [name, calls] : counts()) {
      INFO(isa_name(isa) << ": " << name);
      CHECK(calls > before.at(name));
    }
  }
}

TEST_CASE("the sums of batch norm are the reference's for any number of rows, on every ISA") {
  for (Index rows : {1, 4, 15, 16, 17, 33})
    for (Index n : {1, 16, 37, 500}) {
      INFO(rows << " rows of " << n);
      const Index stride = n + 3;
      const auto count = static_cast<std::size_t>(rows);
      std::vector<float> x(count * static_cast<std::size_t>(stride)), d_y(x.size());
      std::vector<float> mean(count), scale(count), bias(count);
      std::uint64_t stream = 0;
      for (std::vector<float>* v : {&x, &d_y, &mean, &scale, &bias})
        fill_normal({13, ++stream}, 0, v->data(), static_cast<Index>(v->size()));
      const NormalizeRows norm{mean.data(), scale.data(), bias.data(), true};
      using Sums = std::array<std::vector<float>, 4>;
      const auto sums_of = [&](const OpsKernels& k) {
        Sums sums;
        for (std::vector<float>& s : sums) s.assign(count, -7.0F);
        k.moments(rows, n, x.data(), stride, sums[0].data(), sums[1].data());
        k.batch_norm_sums(rows, n, norm, x.data(), stride, d_y.data(), stride, sums[2].data(),
                          sums[3].data());
        return sums;
      };
      const Sums expected = sums_of(kReference);
      for (Isa isa : supported_isas()) CHECK(sums_of(ops_kernels(isa)) == expected);
    }
}

// The AVX-512 kernels divide by way of a reciprocal where that is proven; these numbers cross the limits of
// it.
TEST_CASE("quotients of any size are rounded as by a division, on every ISA") {
  constexpr Index n = 1 << 16;
  constexpr std::uint32_t kSpecial[] = {0,          0x80000000, 1,          0x007fffff,
                                        0x00800000, 0x7f7fffff, 0x7f800000, 0x7fc00000};
  std::vector<std::uint32_t> words(n);
  fill_words({11, 0}, 0, words.data(), n);
  std::vector<float> any(n), mean(n), zero(n, 0.0F), logits(kClasses * n);
  for (std::size_t i = 0; i < any.size(); ++i) {
    // Runs of numbers of one size, then of all sizes: a vector with one lane beyond the limits is divided
    // whole.
    const std::uint32_t exponent =
        i / 512 % 2 == 0 ? static_cast<std::uint32_t>(i / 1024 * 4 % 255) : words[i] >> 8 & 0xff;
    any[i] = std::bit_cast<float>(i % 37 == 36 ? kSpecial[i / 37 % 8] : exponent << 23 | words[i] >> 9);
    mean[i] = 1.0F + static_cast<float>(words[i] >> 8) * 0x1p-24F;
  }
  for (Isa isa : supported_isas()) {
    INFO(isa_name(isa));
    for (float correction : {1.0F, 0.0316F, 0.99F, 1e-9F}) {
      std::vector<float> found[2][3];
      for (int which : {0, 1}) {
        std::vector<float>*w = found[which], &m = w[1] = mean, &v = w[2] = any;
        w[0] = zero;
        const OpsKernels& k = which == 0 ? kReference : ops_kernels(isa);
        k.adam_step(n, {0.0F, 1.0F, 1.0F, 1.0F, 0.0F, 0.0F, 1.0F, correction, 0.0F}, w[0].data(), zero.data(),
                    m.data(), v.data());
      }
      CHECK(std::memcmp(found[0][0].data(), found[1][0].data(), sizeof(float) * n) == 0);
    }
    for (float lowest : {-110.0F, -63.0F, -40.0F}) {  // of a softmax: nearly all, some, no vectors
      fill_uniform({11, 1}, 0, lowest, 0.0F, logits.data(), kClasses * n);
      std::vector<float> expected(kClasses * n), found(kClasses * n);
      reference::softmax_forward(kClasses, n, logits.data(), n, expected.data(), n);
      ops_kernels(isa).softmax_forward(kClasses, n, logits.data(), n, found.data(), n);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("sigmoid and tanh are within their stated error of the exact value") {
  const OpsKernels& kernels = ops_kernels(detected_isa());
  double worst_sigmoid = 0.0, worst_tanh = 0.0;
  std::vector<float> x(4096), s(4096), t(4096);
  for (int part = 0; part < 500; ++part) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      // Every exponent from 2^-30 to 2^6, both signs, mantissas spread by the golden ratio.
      const double k = part * 4096.0 + static_cast<double>(i);
      const double mantissa = 1.0 + (k * 0.6180339887 - std::floor(k * 0.6180339887));
      x[i] =
          static_cast<float>((i % 2 == 0 ? 1 : -1) * std::ldexp(mantissa, static_cast<int>(i / 2 % 36) - 30));
    }
    kernels.sigmoid_forward(4096, x.data(), s.data());
    kernels.tanh_forward(4096, x.data(), t.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x[i]);
      const double sigmoid = 1.0 / (1.0 + std::exp(-v)), tanh = std::tanh(v);
      worst_sigmoid = std::max(worst_sigmoid, std::fabs(static_cast<double>(s[i]) - sigmoid) / sigmoid);
      worst_tanh = std::max(worst_tanh, std::fabs(static_cast<double>(t[i]) - tanh) / std::fabs(tanh));
    }
  }
  UNSCOPED_INFO("relative errors: sigmoid " << worst_sigmoid << ", tanh " << worst_tanh);
  CHECK(worst_sigmoid < tolerance::kSigmoid);
  CHECK(worst_tanh < tolerance::kTanh);
}
