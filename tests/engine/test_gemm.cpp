// Every matrix kernel on every ISA of this machine against the reference, to the bit.
#include "engine/gemm.hpp"

#include <catch2/catch.hpp>

#include "engine/gemm_blas.hpp"
#include "engine/kernels/reference.hpp"
#include "engine/kernels/table.hpp"
#include "engine/random.hpp"
#include "tests/engine/exercised.hpp"
#include "tests/support/guarded.hpp"

using namespace jsc;

namespace {

// Normal values, some of them zeros of both signs and some so small that products underflow.
void fill(Matrix m, std::uint64_t stream) {
  for (Index r = 0; r < m.rows; ++r) {
    fill_normal({7, stream}, static_cast<std::uint64_t>(r) << 32, m.row(r), m.cols);
    for (Index c = 0; c < m.cols; ++c) {
      const std::uint32_t word = random_word({8, stream}, static_cast<std::uint64_t>(r * m.cols + c));
      if (word % 8 == 0) m(r, c) = word % 16 == 0 ? 0.0F : -0.0F;
      if (word % 8 == 1) m(r, c) *= 1e-23F;
    }
  }
}

void copy(ConstMatrix from, Matrix to) {
  for (Index r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, to.row(r));
}

bool same_bits(ConstMatrix a, ConstMatrix b) {
  for (Index r = 0; r < a.rows; ++r)
    if (std::memcmp(a.row(r), b.row(r), static_cast<std::size_t>(a.cols) * sizeof(float)) != 0) return false;
  return true;
}

struct Shape {
  Index out, in, batch;
};

// Sizes about the edges of every tile: rows 1..8, panels, blocks of 512 samples, parts of 128 x 512 sums,
// weights so large that they are packed in several blocks, however few rows, wide layers, and the layers of
// this field.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (Index out : {1, 2, 3, 4, 5, 6, 7, 8, 13})
    for (Index in : {1, 3, 4, 5, 8, 16})
      for (Index batch : {1, 8, 15, 16, 17, 31, 32, 63, 64, 65, 100}) all.push_back({out, in, batch});
  // d_w's tiles by 1, 2 and 4 rows, of every width, and by 5, which asks for more than 256 samples; whole
  // vectors and cut ones
  for (Index out : {1, 2, 3, 5, 6, 7})
    for (Index in = 1; in <= 34; ++in) all.push_back({out, in, 23});
  for (Index out : {1, 2, 9})
    for (Index batch : {261, 288, 300})
      for (Index in = 1; in <= 17; ++in) all.push_back({out, in, batch});
  for (Index batch : {256, 257}) all.push_back({5, 16, batch});
  for (Index batch : {511, 512, 513, 1040, 4096}) {
    all.push_back({5, 16, batch});
    all.push_back({8, 128, batch});
  }
  all.insert(all.end(),
             {{64, 16, 256}, {128, 64, 256}, {32, 64, 250},   {32, 32, 1024}, {65, 300, 40},  {70, 520, 530},
              {600, 9, 17},  {260, 510, 67}, {520, 520, 20},  {20, 520, 530}, {5, 30000, 20}, {30000, 6, 20},
              {1, 21, 530},  {2, 27, 530},   {3, 18, 1040},   {5, 18, 530},   {133, 9, 530},  {16, 96, 64},
              {16, 97, 64},  {24, 16, 80},   {24, 16, 83},    {40, 17, 64},   {32, 48, 64},   {32, 48, 80},
              {16, 8, 530},  {256, 256, 83}, {260, 510, 103}, {264, 512, 64}});
  return all;
}

// Runs a role on every ISA, for 1 and 2 threads, padded and unpadded rows; `expected` is the reference's.
template <class Run>
void check(Matrix expected, ConstMatrix start, const Run& run,
           std::initializer_list<int> all_threads = {1, 2}) {
  for (Isa isa : supported_isas())
    for (int threads : all_threads)
      for (Index stride : {start.cols, round_up(start.cols, kLanes) + kLanes}) {
        Guarded result(start.rows, start.cols, stride);
        copy(start, result.view());
        run(Execution{isa, threads, false}, result.view());
        INFO(isa_name(isa) << ", " << threads << " threads, stride " << stride);
        REQUIRE(same_bits(expected, result.view()));
        REQUIRE(result.intact());
      }
}

}  // namespace

TEST_CASE("every product equals the reference to the bit, on every ISA and thread count") {
  for (const Shape& s : shapes()) {
    INFO("out " << s.out << ", in " << s.in << ", batch " << s.batch);
    Guarded w(s.out, s.in, s.in), x(s.in, s.batch, s.batch + 3), d_y(s.out, s.batch, s.batch + 5);
    Guarded bias(1, s.out, s.out);
    fill(w.view(), 1);
    fill(x.view(), 2);
    fill(d_y.view(), 3);
    fill(bias.view(), 4);

    Tensor y(s.out, s.batch), d_x(s.in, s.batch), d_w(s.out, s.in);
    for (const float* b : {static_cast<const float*>(nullptr), static_cast<const float*>(bias.view().data)}) {
      for (bool relu : {false, true}) {
        reference::gemm_forward(w.view(), b, x.view(), y.view(), relu);
        check(y.view(), d_y.view(), [&](const Execution& execution, Matrix result) {
          gemm_forward(execution, w.view(), b, x.view(), result, relu);
        });
      }
    }
    if (std::max(s.out, s.in) <= kMostNormalized) {
      Guarded ends(s.out, 3, 3);
      fill(ends.view(), 5);
      reference::gemm_forward_normalized(w.view(), ends.view().data, x.view(), y.view());
      check(y.view(), d_y.view(), [&](const Execution& execution, Matrix result) {
        gemm_forward_normalized(execution, w.view(), ends.view().data, x.view(), result);
      });
    }
    for (bool accumulate : {false, true}) {
      copy(x.view(), d_x.view());
      reference::gemm_backward_input(w.view(), d_y.view(), d_x.view(), accumulate);
      check(d_x.view(), x.view(), [&](const Execution& execution, Matrix result) {
        gemm_backward_input(execution, w.view(), d_y.view(), result, accumulate);
      });
      copy(w.view(), d_w.view());
      reference::gemm_backward_weight(d_y.view(), x.view(), d_w.view(), accumulate);
      check(d_w.view(), w.view(), [&](const Execution& execution, Matrix result) {
        gemm_backward_weight(execution, d_y.view(), x.view(), result, accumulate);
      });
      Tensor sums(1, s.out);
      copy(bias.view(), sums.view());
      reference::row_sums(d_y.view(), sums.view().data, accumulate);
      check(sums.view(), bias.view(), [&](const Execution& execution, Matrix result) {
        row_sums(execution, d_y.view(), result.data, accumulate);
      });
    }
  }
  for (Isa isa : supported_isas()) exercised(isa, {"product", "product_transposed", "sum_rows"});
}

TEST_CASE("products are the same to the bit however they are tuned to a core") {
  for (const Shape& s : shapes()) {
    INFO("out " << s.out << ", in " << s.in << ", batch " << s.batch);
    Guarded w(s.out, s.in, s.in), x(s.in, s.batch, s.batch + 3), d_y(s.out, s.batch, s.batch + 5);
    Guarded ends(s.out, 3, 3);
    fill(w.view(), 1);
    fill(x.view(), 2);
    fill(d_y.view(), 3);
    fill(ends.view(), 4);
    Tensor y(s.out, s.batch), normalized(s.out, s.batch), d_x(s.in, s.batch);
    copy(x.view(), d_x.view());
    const float* const start = ends.view().data;
    reference::gemm_forward(w.view(), start, x.view(), y.view(), true);
    reference::gemm_forward_normalized(w.view(), start, x.view(), normalized.view());
    reference::gemm_backward_input(w.view(), d_y.view(), d_x.view(), true);
    for (unsigned tuning : {0U, kNarrow, kFastL2}) {
      INFO("tuning " << tuning);
      const auto check_product = [&](Matrix expected, ConstMatrix before, ConstMatrix from,
                                     const float* starts, unsigned mode) {
        check(expected, before,
              [&](const Execution& execution, Matrix result) {
                engine_kernels(execution.isa).product(w.view(), from, result, starts, mode | tuning);
              },
              {1});
      };
      check_product(y.view(), d_y.view(), x.view(), start, kRelu);
      if (std::max(s.out, s.in) <= kMostNormalized)
        check_product(normalized.view(), d_y.view(), x.view(), start, kNormalize);
      check_product(d_x.view(), x.view(), d_y.view(), nullptr, kTransposed | kAccumulate);
    }
  }
}

TEST_CASE("a sum whose products all underflow to -0 stays -0 past a cut vector") {
  for (Index out : {1, 2, 4, 9})
    for (Index batch : {17, 27, 267}) {
      INFO("out " << out << ", batch " << batch);
      Tensor d_y(out, batch), x(3, batch), d_w(out, 3), any(out, 3);
      for (Index b = 0; b < batch; ++b) {
        for (Index o = 0; o < out; ++o) d_y.view()(o, b) = 1e-30F;
        for (Index i = 0; i < 3; ++i) x.view()(i, b) = -1e-30F;
      }
      reference::gemm_backward_weight(d_y.view(), x.view(), d_w.view(), false);
      for (Index o = 0; o < out; ++o)
        for (Index i = 0; i < 3; ++i) CHECK(std::signbit(d_w.view()(o, i)));
      check(d_w.view(), any.view(), [&](const Execution& execution, Matrix result) {
        gemm_backward_weight(execution, d_y.view(), x.view(), result, false);
      });
    }
}

TEST_CASE("OpenBLAS computes the same products within rounding") {
  const Index out = 65, in = 130, batch = 100;
  Guarded w(out, in, in), x(in, batch, 112), d_y(out, batch, 112), bias(1, out, out);
  fill(w.view(), 1);
  fill(x.view(), 2);
  fill(d_y.view(), 3);
  fill(bias.view(), 4);
  const Execution execution{detected_isa(), 2, true};
  // |difference| <= chain length * 2^-23 * (sum of magnitudes, below 4 sigma^2 * length): an order above what
  // is seen, five below a wrong term.
  const auto close = [](ConstMatrix a, ConstMatrix b) {
    for (Index r = 0; r < a.rows; ++r)
      for (Index c = 0; c < a.cols; ++c)
        if (!(std::abs(a(r, c) - b(r, c)) < 1e-4F)) return false;
    return true;
  };
  Tensor y(out, batch), y_blas(out, batch);
  reference::gemm_forward(w.view(), bias.view().data, x.view(), y.view());
  blas_forward(execution, w.view(), bias.view().data, x.view(), y_blas.view());
  CHECK(close(y.view(), y_blas.view()));
  for (bool accumulate : {false, true}) {
    Tensor d_x(in, batch), d_x_blas(in, batch), d_w(out, in), d_w_blas(out, in);
    copy(x.view(), d_x.view());
    copy(x.view(), d_x_blas.view());
    reference::gemm_backward_input(w.view(), d_y.view(), d_x.view(), accumulate);
    blas_backward_input(execution, w.view(), d_y.view(), d_x_blas.view(), accumulate);
    CHECK(close(d_x.view(), d_x_blas.view()));
    copy(w.view(), d_w.view());
    copy(w.view(), d_w_blas.view());
    reference::gemm_backward_weight(d_y.view(), x.view(), d_w.view(), accumulate);
    blas_backward_weight(execution, d_y.view(), x.view(), d_w_blas.view(), accumulate);
    CHECK(close(d_w.view(), d_w_blas.view()));
  }
}

TEST_CASE("OpenBLAS is left alone when it is not admitted, and for the layers of this field") {
  for (GemmRole role : {GemmRole::forward, GemmRole::backward_input, GemmRole::backward_weight}) {
    CHECK_FALSE(blas_is_faster({detected_isa(), 1, false}, role, 4096, 4096, 4096));
    CHECK_FALSE(blas_is_faster({detected_isa(), 1, true}, role, 128, 64, 4096));
  }
}

TEST_CASE("shapes that disagree are an error that names the product and the matrix") {
  Tensor w(5, 16), x(15, 32), y(5, 32);
  CHECK_THROWS_WITH(gemm_forward({}, w.view(), nullptr, x.view(), y.view()),
                    Catch::Contains("gemm_forward: x should be 16 x 32") && Catch::Contains("15 x 32"));
  CHECK_THROWS_WITH(gemm_backward_input({}, w.view(), y.view(), x.view(), false),
                    Catch::Contains("d_x should be 16 x 32"));
  CHECK_THROWS_WITH(gemm_backward_weight({}, y.view(), x.view(), w.view(), false),
                    Catch::Contains("x should be 16 x 32"));
  Tensor wide(kMostNormalized + 1, 15), many(kMostNormalized + 1, 32);
  CHECK_THROWS_WITH(gemm_forward_normalized({}, wide.view(), nullptr, x.view(), many.view()),
                    Catch::Contains("at most 256 x 256, found 257 x 15"));
  Tensor long_sums(5, kMostNormalized + 1);
  CHECK_THROWS_WITH(gemm_forward_normalized({}, long_sums.view(), nullptr, many.view(), y.view()),
                    Catch::Contains("at most 256 x 256, found 5 x 257"));
}
