// The gradient of every operation and of small networks against central differences of a double reference.
#include <catch2/catch.hpp>
#include <functional>

#include "engine/random.hpp"
#include "ops/add.hpp"
#include "ops/batch_norm.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/dropout.hpp"
#include "ops/hardtanh.hpp"
#include "ops/leaky_relu.hpp"
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/mse.hpp"
#include "ops/mul.hpp"
#include "ops/relu.hpp"
#include "ops/sigmoid.hpp"
#include "ops/softmax.hpp"
#include "ops/sub.hpp"
#include "ops/tanh.hpp"
#include "ops/transpose.hpp"
#include "tests/ops/double_reference.hpp"
#include "tests/support/tolerances.hpp"

using namespace jsc;
using exact::Array;
using exact::Corners;

namespace {

struct Shape {
  Index rows, cols;
};
using Arrays = std::vector<Array>;
using Variables = std::vector<Variable>;

// A function of some arrays, once recorded on a tape and once in double. What is not 1 x 1 is compared with a
// fixed target by mse.
struct Function {
  const char* name;
  std::vector<Shape> shapes;
  std::function<Variable(Tape&, const Variables&)> record;
  std::function<Array(const Arrays&, Corners&)> value;
};

Array target_like(const Array& y) {
  Array t(y.rows, y.cols);
  for (std::size_t i = 0; i < t.v.size(); ++i) t.v[i] = static_cast<double>(uniform01({3, 3}, i)) - 0.5;
  return t;
}

double loss_value(const Function& f, const Arrays& arrays, Corners& corners) {
  const Array y = f.value(arrays, corners);
  return y.v.size() == 1 ? y.v[0] : exact::mse(y, target_like(y));
}

Variable record_loss(Tape& tape, const Function& f, const Variables& variables) {
  const Variable y = f.record(tape, variables);
  const Matrix v = tape.value(y);
  if (v.size() == 1) return y;
  const Variable target = tape.input(v.rows, v.cols);
  const Array t = target_like(Array(v.rows, v.cols));
  for (Index r = 0; r < v.rows; ++r)
    for (Index c = 0; c < v.cols; ++c) tape.value(target)(r, c) = static_cast<float>(t(r, c));
  return mse(tape, y, target);
}

// Checks d loss / d (every input). With `twice` the function is recorded two times on the same variables and
// the losses added: every gradient doubles, by accumulation.
void check_gradients(const Function& f, bool twice) {
  std::vector<Tensor> values, gradients;
  Arrays arrays;
  for (std::size_t k = 0; k < f.shapes.size(); ++k) {
    const auto [rows, cols] = f.shapes[k];
    values.emplace_back(rows, cols);
    gradients.emplace_back(rows, cols);
    arrays.emplace_back(rows, cols);
    for (Index r = 0; r < rows; ++r) {
      fill_uniform({5, k}, static_cast<std::uint64_t>(r * cols), -1.5F, 1.5F, values[k].view().row(r), cols);
      for (Index c = 0; c < cols; ++c) arrays[k](r, c) = static_cast<double>(values[k](r, c));
    }
  }
  Tape tape(Execution{detected_isa(), 2, false});
  Variables variables;
  for (std::size_t k = 0; k < values.size(); ++k)
    variables.push_back(tape.parameter(values[k].view(), gradients[k].view(), "parameter"));
  Variable loss = record_loss(tape, f, variables);
  if (twice) loss = add(tape, loss, record_loss(tape, f, variables));
  tape.forward();
  tape.backward(loss);

  constexpr double h = 1e-4;
  const double factor = twice ? 2.0 : 1.0;
  std::vector<Array> expected;
  std::size_t skipped = 0, total = 0;
  double largest_of_all = 0.0;
  for (Array& a : arrays) {
    expected.emplace_back(a.rows, a.cols);
    for (std::size_t i = 0; i < a.v.size(); ++i) {
      const double center = a.v[i];
      Corners above_side, below_side;
      a.v[i] = center + h;
      const double above = loss_value(f, arrays, above_side);
      a.v[i] = center - h;
      const double below = loss_value(f, arrays, below_side);
      a.v[i] = center;
      const bool crosses = above_side.sides != below_side.sides;
      expected.back().v[i] = crosses ? NAN : factor * (above - below) / (2.0 * h);
      ++total;
      skipped += crosses ? 1 : 0;
      if (!crosses) largest_of_all = std::max(largest_of_all, std::fabs(expected.back().v[i]));
    }
  }
  INFO(f.name << (twice ? ", twice" : ""));
  REQUIRE(skipped * 20 <= total);
  REQUIRE(largest_of_all > 1e-4);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    // A variable whose gradient vanishes (a bias before batch normalization) is measured against the others.
    double scale = 1e-2 * largest_of_all, worst = 0.0;
    for (double e : expected[k].v)
      if (!std::isnan(e)) scale = std::max(scale, std::fabs(e));
    for (Index r = 0; r < expected[k].rows; ++r)
      for (Index c = 0; c < expected[k].cols; ++c)
        if (const double e = expected[k](r, c); !std::isnan(e))
          worst = std::max(worst, std::fabs(static_cast<double>(gradients[k](r, c)) - e));
    INFO("input " << k << ": relative deviation " << worst / scale);
    CHECK(worst <= tolerance::kGradient * scale);
  }
}

std::vector<std::int32_t> labels_for(Index batch, Index classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<std::int32_t>(uniform_below({9, 9}, i, static_cast<std::uint64_t>(classes)));
  return labels;
}

Array scalar(double value) {
  Array a(1, 1);
  a(0, 0) = value;
  return a;
}

// Buffers and labels that recorded functions point to.
struct Fixture {
  explicit Fixture(Index n) : batch(n), labels(labels_for(n, 4)) {}
  Index batch;
  std::vector<std::int32_t> labels;
  std::vector<float> mean = std::vector<float>(16, 0.25F), variance = std::vector<float>(16, 1.5F);
  std::int64_t batches = 0;
  BatchNormBuffers buffers() { return {mean.data(), variance.data(), &batches}; }
  CrossEntropyOptions options{{0.5F, 1.0F, 2.0F, 1.5F}, 0.1F};
};

std::vector<Function> operations(Fixture& fix) {
  const Index n = fix.batch;
  const Shape x{4, n};
  std::vector<Function> list = {
      {"linear",
       {x, {3, 4}, {1, 3}},
       [](Tape& t, const Variables& v) { return linear(t, v[0], v[1], v[2]); },
       [](const Arrays& a, Corners&) { return exact::linear(a[0], a[1], a[2]); }},
      {"linear without bias",
       {x, {3, 4}},
       [](Tape& t, const Variables& v) { return linear(t, v[0], v[1], {}); },
       [](const Arrays& a, Corners&) { return exact::matmul(a[1], a[0]); }},
      {"matmul",
       {{3, 4}, x},
       [](Tape& t, const Variables& v) { return matmul(t, v[0], v[1]); },
       [](const Arrays& a, Corners&) { return exact::matmul(a[0], a[1]); }},
      {"transpose",
       {{3, 4}},
       [](Tape& t, const Variables& v) { return transpose(t, v[0]); },
       [](const Arrays& a, Corners&) { return exact::transpose(a[0]); }},
      {"relu",
       {x},
       [](Tape& t, const Variables& v) { return relu(t, v[0]); },
       [](const Arrays& a, Corners& c) { return exact::relu(a[0], c); }},
      {"leaky_relu",
       {x},
       [](Tape& t, const Variables& v) { return leaky_relu(t, v[0], 0.1F); },
       [](const Arrays& a, Corners& c) { return exact::relu(a[0], c, 0.1); }},
      {"hardtanh",
       {x},
       [](Tape& t, const Variables& v) { return hardtanh(t, v[0], -0.75F, 1.0F); },
       [](const Arrays& a, Corners& c) { return exact::hardtanh(a[0], -0.75, 1.0, c); }},
      {"sigmoid",
       {x},
       [](Tape& t, const Variables& v) { return sigmoid(t, v[0]); },
       [](const Arrays& a, Corners&) {
         return exact::map(a[0], [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
       }},
      {"tanh",
       {x},
       [](Tape& t, const Variables& v) { return jsc::tanh(t, v[0]); },
       [](const Arrays& a, Corners&) { return exact::map(a[0], [](double v) { return std::tanh(v); }); }},
      {"softmax",
       {x},
       [](Tape& t, const Variables& v) { return softmax(t, v[0]); },
       [](const Arrays& a, Corners&) { return exact::softmax(a[0]); }},
      {"dropout",
       {x},
       [](Tape& t, const Variables& v) {
         return dropout(t, v[0], 0.25F, {11, 1});
       },
       [](const Arrays& a, Corners&) {
         Array y = a[0];
         for (std::size_t i = 0; i < y.v.size(); ++i)
           y.v[i] *= uniform01({11, 1}, i) < 0.25F ? 0.0 : 1.0 / 0.75;
         return y;
       }},
      {"add",
       {x, x},
       [](Tape& t, const Variables& v) { return add(t, v[0], v[1]); },
       [](const Arrays& a, Corners&) { return exact::zip(a[0], a[1], std::plus<>()); }},
      {"sub",
       {x, x},
       [](Tape& t, const Variables& v) { return sub(t, v[0], v[1]); },
       [](const Arrays& a, Corners&) { return exact::zip(a[0], a[1], std::minus<>()); }},
      {"mul",
       {x, x},
       [](Tape& t, const Variables& v) { return mul(t, v[0], v[1]); },
       [](const Arrays& a, Corners&) { return exact::zip(a[0], a[1], std::multiplies<>()); }},
      {"mul with itself",
       {x},
       [](Tape& t, const Variables& v) { return mul(t, v[0], v[0]); },
       [](const Arrays& a, Corners&) { return exact::map(a[0], [](double v) { return v * v; }); }},
      {"mse",
       {x, x},
       [](Tape& t, const Variables& v) { return mse(t, v[0], v[1]); },
       [](const Arrays& a, Corners&) { return scalar(exact::mse(a[0], a[1])); }},
      {"batch_norm in training",
       {x, {1, 4}, {1, 4}},
       [&fix](Tape& t, const Variables& v) {
         return batch_norm_train(t, v[0], {v[1], v[2], fix.buffers(), 1e-2F}, 0.1F);
       },
       [](const Arrays& a, Corners&) { return exact::batch_norm(a[0], a[1], a[2], 1e-2); }},
      {"batch_norm in evaluation",
       {x, {1, 4}, {1, 4}},
       [&fix](Tape& t, const Variables& v) {
         return batch_norm_eval(t, v[0], {v[1], v[2], fix.buffers(), 1e-2F});
       },
       [](const Arrays& a, Corners&) {
         return exact::normalize(a[0], a[1], a[2], std::vector<double>(4, 0.25), std::vector<double>(4, 1.5),
                                 1e-2);
       }},
      {"cross_entropy",
       {x},
       [&fix](Tape& t, const Variables& v) { return cross_entropy(t, v[0], fix.labels.data(), {}, nullptr); },
       [&fix](const Arrays& a, Corners&) { return scalar(exact::cross_entropy(a[0], fix.labels, {}, 0.0)); }},
      {"cross_entropy with class weights and label smoothing",
       {x},
       [&fix](Tape& t, const Variables& v) {
         return cross_entropy(t, v[0], fix.labels.data(), fix.options, nullptr);
       },
       [&fix](const Arrays& a, Corners&) {
         return scalar(exact::cross_entropy(a[0], fix.labels, fix.options.class_weights, 0.1F));
       }},
  };
  return list;
}

}  // namespace

TEST_CASE("the gradient of every operation agrees with central differences") {
  for (Index batch : {2, 19, 530}) {
    Fixture fix(batch);
    for (const Function& f : operations(fix))
      for (bool twice : {false, true}) {
        if (twice && batch == 530) continue;  // nothing new, and slow
        // Evaluation reads the statistics that training of another case writes.
        fix.mean.assign(16, 0.25F);
        fix.variance.assign(16, 1.5F);
        check_gradients(f, twice);
      }
  }
}

TEST_CASE("batch_norm without affine parameters has the gradient of weight 1 and bias 0") {
  Fixture fix(19);
  check_gradients({"batch_norm, not affine",
                   {{4, 19}},
                   [&](Tape& t, const Variables& v) {
                     return batch_norm_train(t, v[0], {{}, {}, fix.buffers(), 1e-2F}, 0.1F);
                   },
                   [](const Arrays& a, Corners&) {
                     Array one(1, 4);
                     one.v.assign(4, 1.0);
                     return exact::batch_norm(a[0], one, Array(1, 4), 1e-2);
                   }},
                  false);
}

TEST_CASE("the gradient of a network agrees with central differences") {
  Fixture fix(37);
  // x, three layers with batch normalization in between, weighted and smoothed cross-entropy
  check_gradients(
      {"network",
       {{6, 37}, {8, 6}, {1, 8}, {1, 8}, {1, 8}, {5, 8}, {1, 5}, {1, 5}, {1, 5}, {4, 5}, {1, 4}},
       [&](Tape& t, const Variables& v) {
         Variable h = linear(t, v[0], v[1], v[2]);
         h = relu(t, batch_norm_train(t, h, {v[3], v[4], fix.buffers(), 1e-2F}, 0.1F));
         h = linear(t, h, v[5], v[6]);
         h = relu(t, batch_norm_train(t, h, {v[7], v[8], fix.buffers(), 1e-2F}, 0.1F));
         return cross_entropy(t, linear(t, h, v[9], v[10]), fix.labels.data(), fix.options, nullptr);
       },
       [&](const Arrays& a, Corners& c) {
         Array h = exact::relu(exact::batch_norm(exact::linear(a[0], a[1], a[2]), a[3], a[4], 1e-2), c);
         h = exact::relu(exact::batch_norm(exact::linear(h, a[5], a[6]), a[7], a[8], 1e-2), c);
         return scalar(exact::cross_entropy(exact::linear(h, a[9], a[10]), fix.labels,
                                            fix.options.class_weights, 0.1F));
       }},
      false);
}

TEST_CASE("a network with a shared layer and skip connections has the right gradient") {
  Fixture fix(37);
  check_gradients({"shared layer and skips",
                   {{4, 37}, {4, 4}, {1, 4}},
                   [&](Tape& t, const Variables& v) {
                     const Variable a = jsc::tanh(t, linear(t, v[0], v[1], v[2]));
                     const Variable b = add(t, a, sigmoid(t, linear(t, a, v[1], v[2])));
                     const Variable c = sub(t, mul(t, b, a), v[0]);
                     return cross_entropy(t, linear(t, c, v[1], {}), fix.labels.data(), {}, nullptr);
                   },
                   [&](const Arrays& x, Corners&) {
                     const Array a =
                         exact::map(exact::linear(x[0], x[1], x[2]), [](double v) { return std::tanh(v); });
                     const Array s = exact::map(exact::linear(a, x[1], x[2]),
                                                [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
                     const Array b = exact::zip(a, s, std::plus<>());
                     const Array c = exact::zip(exact::zip(b, a, std::multiplies<>()), x[0], std::minus<>());
                     return scalar(exact::cross_entropy(exact::matmul(x[1], c), fix.labels, {}, 0.0));
                   }},
                  false);
}
