// Gradients of quantized layers: the straight-through estimator exactly, whole layers against central
// differences of a double reference where the formats are so wide that quantization is negligible, and the
// running statistics of quantized batch normalization.
#include <catch2/catch.hpp>
#include <cmath>

#include "engine/random.hpp"
#include "graph/builder.hpp"
#include "graph/executor.hpp"
#include "graph/modules.hpp"
#include "ops/add.hpp"
#include "ops/mse.hpp"
#include "quant/linear_batch_norm.hpp"
#include "quant/modules.hpp"
#include "quant/quantizer/integer.hpp"
#include "tests/ops/double_reference.hpp"
#include "tests/quant/mase_vectors.hpp"
#include "tests/quant/quantized_network.hpp"
#include "tests/quant/quantizer_support.hpp"
#include "tests/support/tolerances.hpp"

using namespace jsc;
using namespace jsc::test;
using exact::Array;
using exact::Corners;

namespace {

// d of mse(Q(x), 0) = 2 Q(x) / n, for n = 8: exact.
std::vector<float> gradient_through(const Quantizer& quantizer, Ste ste, std::vector<float> x,
                                    bool twice = false) {
  x.resize(8, 0.0F);
  std::vector<float> gradient(8);
  Tape tape;
  const Variable v = tape.parameter({x.data(), 1, 8, 8}, {gradient.data(), 1, 8, 8}, "x");
  const Variable y = fake_quantize(tape, v, {quantizer, TensorKind::bias, ste}, "y");
  const Variable target = tape.input(1, 8);
  std::fill_n(tape.value(target).data, 8, 0.0F);
  // mse(Q(x), R(x)): what comes through R is the opposite of what comes through Q, and added to it.
  const FixedQuantizer integers({16, 16, true, fixed::Rounding::rnd_conv, fixed::Overflow::sat, 0});
  const Variable other = twice ? fake_quantize(tape, v, {integers, TensorKind::bias, ste}, "z") : target;
  const Variable loss = mse(tape, y, other);
  tape.forward();
  tape.backward(loss);
  return gradient;
}

}  // namespace

TEST_CASE("the straight-through gradient passes where the quantizer does not saturate") {
  const QuantizerPointer fixed = make_quantizer("integer", {{"width", 4}, {"frac_width", 2}});
  // numbers -2 .. 1.75; the last that round to these are -2.125 and 1.875
  const std::vector<float> x = {
      -3, -2.125F, std::nextafter(-2.125F, -3.0F), 0.3F, 1.875F, std::nextafter(1.875F, 2.0F), 100};
  CHECK(gradient_through(*fixed, Ste::clip, x) == std::vector<float>{0, -0.5F, 0, 0.0625F, 0.4375F, 0, 0, 0});
  CHECK(gradient_through(*fixed, Ste::identity, x) ==
        std::vector<float>{-0.5F, -0.5F, -0.5F, 0.0625F, 0.4375F, 0.4375F, 0.4375F, 0});
  CHECK(gradient_through(*fixed, Ste::identity, x, true) == std::vector<float>(8, 0.0F));

  const QuantizerPointer minifloat =
      make_quantizer("minifloat_ieee", {{"width", 4}, {"exponent_width", 2}, {"exponent_bias", 1}});
  CHECK(gradient_through(*minifloat, Ste::clip, {6, std::nextafter(6.0F, 7.0F), -6, -7, 1.1F}) ==
        std::vector<float>{1.5F, 0, -1.5F, 0, 0.25F, 0, 0, 0});
  const QuantizerPointer binary =
      make_quantizer("binary", {{"width", 1}, {"stochastic", false}, {"bipolar", true}});
  CHECK(gradient_through(*binary, Ste::clip, {0.5F, -1, -1.5F, 1.5F, 1, -0.1F, 0, 9}) ==
        std::vector<float>{0.25F, -0.25F, 0, 0, 0.25F, -0.25F, 0.25F, 0});
}

TEST_CASE("a quantized linear layer's gradients are those of its quantized operands, masked") {
  for (const char* ste : {"clip", "identity"}) {
    GraphBuilder builder(2);
    Graph graph =
        builder.finish(builder.call_module("fc", std::make_shared<Linear>(2, 1), {builder.input()}));
    MetaValue config = integer_config(4, 1);  // -4 .. 3.5 in halves
    config["ste"] = ste;
    quantize_all(graph, config);
    std::vector<Parameter>& parameters = graph.find_module("fc")->parameters();
    parameters[0].value(0, 0) = 0.7F;  // 0.5
    parameters[0].value(0, 1) = -9;    // -4, saturates
    parameters[1].value(0, 0) = 0.2F;  // 0
    Tape tape;
    const Recording recording = record(graph, tape, 2, Mode::train);
    const Variable target = tape.input(1, 2);
    const Variable loss = mse(tape, recording.output, target);
    const Matrix x = tape.value(recording.input), t = tape.value(target);
    x(0, 0) = 1.2F;   // 1
    x(0, 1) = 2.6F;   // 2.5
    x(1, 0) = 50;     // 3.5, saturates
    x(1, 1) = -0.6F;  // -0.5
    t(0, 0) = -13;
    t(0, 1) = 3;
    tape.forward();
    CHECK(tape.value(recording.output)(0, 0) == 0.5F - 14);
    CHECK(tape.value(recording.output)(0, 1) == 1.25F + 2);
    tape.backward(loss);  // d_y = -0.5, 0.25
    CHECK(parameters[0].gradient(0, 0) == -0.5F * 1 + 0.25F * 2.5F);
    const float beyond = -0.5F * 3.5F - 0.25F * 0.5F;
    CHECK(parameters[0].gradient(0, 1) == (std::string_view(ste) == "clip" ? 0.0F : beyond));
    CHECK(parameters[1].gradient(0, 0) == -0.25F);
  }
}

TEST_CASE("two scalings of one value add their gradients") {
  std::vector<float> x = {1, 2, -3, 4}, scale = {0.5F, 2}, gradient(4), d_scale(2), d_offset(1);
  float offset = 0.25F;
  Tape tape;
  const Variable v = tape.parameter({x.data(), 1, 4, 4}, {gradient.data(), 1, 4, 4}, "x");
  const Variable b = tape.parameter({&offset, 1, 1, 1}, {d_offset.data(), 1, 1, 1}, "beta");
  const auto scaled = [&](std::size_t k) {
    return scale_shift(tape, v, tape.parameter({&scale[k], 1, 1, 1}, {&d_scale[k], 1, 1, 1}, "alpha"), b);
  };
  const Variable first = scaled(0);
  const Variable loss = mse(tape, first, scaled(1));
  tape.forward();
  tape.backward(loss);
  // d_first = 2 (0.5 - 2) x / 4 = -d_second, d_x = (0.5 - 2) d_first
  CHECK(gradient == std::vector<float>{1.125F, 2.25F, -3.375F, 4.5F});
  CHECK(d_scale == std::vector<float>{-0.75F * 30, 0.75F * 30});
  CHECK(d_offset[0] == 0.0F);
}

namespace {

struct Format {
  const char* name;
  MetaValue config;
};

// Steps of 2^-22 around numbers of a few units, whose sums need int64; and minifloats that float32 is.
const std::vector<Format>& wide_formats() {
  static const std::vector<Format> formats = [] {
    MetaValue minifloat = {{"name", "minifloat_ieee"}};
    for (const char* tensor : {"data_in", "weight", "bias"}) {
      minifloat[std::string(tensor) + "_width"] = 32;
      minifloat[std::string(tensor) + "_exponent_width"] = 8;
      minifloat[std::string(tensor) + "_exponent_bias"] = 127;
    }
    return std::vector<Format>{{"integer", integer_config(28, 22)}, {"minifloat_ieee", minifloat}};
  }();
  return formats;
}

struct Layer {
  const char* name;
  Index inputs;                       // of 4 features each
  std::shared_ptr<Module> (*make)();  // null: the function of this name
  bool batch_statistics;
  // of the inputs and then the parameters
  Array (*value)(const std::vector<Array>& arrays, Corners& corners);
};

constexpr float kMean = 0.25F, kVariance = 1.5F;
constexpr double kEps = 1e-3F;
const LinearBatchNormShape kFused{4, 3, true, kEps, 0.1, true};

const Layer kLayers[] = {
    {"linear", 1, [] { return std::shared_ptr<Module>(std::make_shared<Linear>(4, 3)); }, true,
     [](const std::vector<Array>& a, Corners&) { return exact::linear(a[0], a[1], a[2]); }},
    {"linear without bias", 1, [] { return std::shared_ptr<Module>(std::make_shared<Linear>(4, 3, false)); },
     true, [](const std::vector<Array>& a, Corners&) { return exact::matmul(a[1], a[0]); }},
    {"batch_norm1d", 1, [] { return std::shared_ptr<Module>(std::make_shared<BatchNorm1d>(4, kEps)); }, true,
     [](const std::vector<Array>& a, Corners&) { return exact::batch_norm(a[0], a[1], a[2], kEps); }},
    {"batch_norm1d, frozen", 1,
     [] { return std::shared_ptr<Module>(std::make_shared<BatchNorm1d>(4, kEps)); }, false,
     [](const std::vector<Array>& a, Corners&) {
       return exact::normalize(a[0], a[1], a[2], std::vector<double>(4, kMean),
                               std::vector<double>(4, kVariance), kEps);
     }},
    {"batch_norm1d without affine", 1,
     [] { return std::shared_ptr<Module>(std::make_shared<BatchNorm1d>(4, kEps, 0.1, false)); }, true,
     [](const std::vector<Array>& a, Corners&) {
       Array one(1, 4), zero(1, 4);
       for (double& v : one.v) v = 1.0;
       return exact::batch_norm(a[0], one, zero, kEps);
     }},
    {"linear_batch_norm", 1,
     [] { return std::shared_ptr<Module>(std::make_shared<LinearBatchNorm1d>(kFused)); }, true,
     [](const std::vector<Array>& a, Corners&) {
       return exact::batch_norm(exact::linear(a[0], a[1], a[2]), a[3], a[4], kEps);
     }},
    {"linear_batch_norm, frozen", 1,
     [] { return std::shared_ptr<Module>(std::make_shared<LinearBatchNorm1d>(kFused)); }, false,
     [](const std::vector<Array>& a, Corners&) {
       return exact::normalize(exact::linear(a[0], a[1], a[2]), a[3], a[4], std::vector<double>(3, kMean),
                               std::vector<double>(3, kVariance), kEps);
     }},
    {"relu", 1, [] { return std::shared_ptr<Module>(std::make_shared<ReLU>()); }, true,
     [](const std::vector<Array>& a, Corners& c) { return exact::relu(a[0], c); }},
    {"add", 2, nullptr, true,
     [](const std::vector<Array>& a, Corners&) { return exact::zip(a[0], a[1], std::plus()); }},
    {"sub", 2, nullptr, true,
     [](const std::vector<Array>& a, Corners&) { return exact::zip(a[0], a[1], std::minus()); }},
    {"mul", 2, nullptr, true,
     [](const std::vector<Array>& a, Corners&) { return exact::zip(a[0], a[1], std::multiplies()); }},
    {"matmul", 2, nullptr, true,
     [](const std::vector<Array>& a, Corners&) { return exact::matmul(exact::transpose(a[1]), a[0]); }},
};

constexpr Index kMatmulOut = 3;

// The second input is a parameter then, [in][out].
bool is_matmul(const Layer& layer) {
  return layer.name == std::string_view("matmul");
}

// A graph that calls the layer, quantized; what the test records of it is the module alone.
Graph quantized_graph(const Layer& layer, MetaValue config) {
  GraphBuilder builder(4);
  const NodeId right =
      is_matmul(layer) ? builder.get_attr("w", std::make_shared<Weight>(4, kMatmulOut)) : builder.input();
  Graph graph =
      builder.finish(layer.make != nullptr ? builder.call_module("m", layer.make(), {builder.input()})
                                           : builder.call_function(layer.name, {builder.input(), right}));
  config["batch_statistics"] = layer.batch_statistics;
  quantize_all(graph, config);
  return graph;
}

float target_of(Index r, Index c) {
  return 0.125F * static_cast<float>((r * 5 + c * 3) % 11 - 5);
}

double loss_of(const Layer& layer, const std::vector<Array>& arrays, Corners& corners) {
  const Array y = layer.value(arrays, corners);
  Array target(y.rows, y.cols);
  for (Index r = 0; r < y.rows; ++r)
    for (Index c = 0; c < y.cols; ++c) target(r, c) = target_of(r, c);
  return exact::mse(y, target);
}

// With `twice` the layer is recorded two times and the losses added: every gradient doubles, by accumulation.
void check_gradients(const Layer& layer, const Format& format, Index batch, bool twice) {
  Graph graph = quantized_graph(layer, format.config);
  Module& module = *graph.modules.back().second;
  for (Buffer& buffer : module.buffers())
    if (auto* values = std::get_if<std::vector<float>>(&buffer.value))
      std::ranges::fill(*values, buffer.name.ends_with("running_mean") ? kMean : kVariance);

  std::vector<Tensor> inputs, input_gradients;
  std::vector<Matrix> values, gradients;
  for (Index k = 0; k < layer.inputs; ++k) {
    const Index cols = is_matmul(layer) && k == 1 ? kMatmulOut : batch;
    inputs.emplace_back(4, cols);
    input_gradients.emplace_back(4, cols);
  }
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    values.push_back(inputs[k].view());
    gradients.push_back(input_gradients[k].view());
  }
  for (Parameter& parameter : module.parameters()) {
    values.push_back(parameter.value);
    gradients.push_back(parameter.gradient);
  }
  std::vector<Array> arrays;
  for (std::size_t k = 0; k < values.size(); ++k) {
    Array& array = arrays.emplace_back(values[k].rows, values[k].cols);
    for (Index r = 0; r < array.rows; ++r) {
      fill_uniform({6, k}, static_cast<std::uint64_t>(r * array.cols), -1.5F, 1.5F, values[k].row(r),
                   array.cols);
      for (Index c = 0; c < array.cols; ++c) array(r, c) = values[k](r, c);
    }
  }

  Tape tape(Execution{detected_isa(), 1, false});
  std::vector<Variable> variables;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    variables.push_back(tape.parameter(values[k], gradients[k], "x"));
  const auto record_loss = [&] {
    const Variable y = module.record(tape, variables, {Mode::train}, "m");
    const Matrix vy = tape.value(y);
    const Variable target = tape.input(vy.rows, vy.cols);
    for (Index r = 0; r < vy.rows; ++r)
      for (Index c = 0; c < vy.cols; ++c) tape.value(target)(r, c) = target_of(r, c);
    return mse(tape, y, target);
  };
  Variable loss = record_loss();
  if (twice) loss = add(tape, loss, record_loss());
  tape.forward();
  tape.backward(loss);

  constexpr double h = 1e-4;
  double largest_of_all = 0.0;
  std::vector<Array> expected;
  for (Array& a : arrays) {
    Array& e = expected.emplace_back(a.rows, a.cols);
    for (std::size_t i = 0; i < a.v.size(); ++i) {
      const double center = a.v[i];
      Corners above_side, below_side;
      a.v[i] = center + h;
      const double above = loss_of(layer, arrays, above_side);
      a.v[i] = center - h;
      const double below = loss_of(layer, arrays, below_side);
      a.v[i] = center;
      e.v[i] = above_side.sides != below_side.sides ? NAN : (twice ? 2.0 : 1.0) * (above - below) / (2.0 * h);
      if (!std::isnan(e.v[i])) largest_of_all = std::max(largest_of_all, std::fabs(e.v[i]));
    }
  }
  REQUIRE(largest_of_all > 1e-3);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    double scale = 1e-2 * largest_of_all, worst = 0.0;
    for (double e : expected[k].v)
      if (!std::isnan(e)) scale = std::max(scale, std::fabs(e));
    for (Index r = 0; r < expected[k].rows; ++r)
      for (Index c = 0; c < expected[k].cols; ++c)
        if (const double e = expected[k](r, c); !std::isnan(e))
          worst = std::max(worst, std::fabs(static_cast<double>(gradients[k](r, c)) - e));
    INFO(layer.name << ", " << format.name << ", batch " << batch << ", input " << k << ": deviation "
                    << worst / scale);
    CHECK(worst <= tolerance::kGradient * scale);
  }
}

}  // namespace

TEST_CASE("gradients of quantized layers in wide formats are those of the function") {
  for (const Layer& layer : kLayers)
    for (const Format& format : wide_formats())
      for (bool twice : {false, true}) {
        check_gradients(layer, format, 7, twice);
        check_gradients(layer, format, 40, twice);
      }
}

namespace {

Graph norm_alone(Index features) {
  GraphBuilder builder(features);
  Graph graph = builder.finish(
      builder.call_module("bn", std::make_shared<BatchNorm1d>(features, 1e-5, 0.25), {builder.input()}));
  graph.initialize(3);
  return graph;
}

// The output of the last of three steps on different samples; x goes through `seen` first.
std::vector<float> three_steps(Graph& graph, Mode mode, const Quantizer* seen) {
  std::vector<float> result;
  for (Index step = 0; step < 3; ++step) {
    Tape tape;
    const Recording recording = record(graph, tape, 33, mode);
    const Matrix x = tape.value(recording.input);
    NormalSamples(x.rows, 200, 12).fill(33 * step, x);
    if (seen != nullptr) seen->quantize(x, TensorKind::activation, x);
    tape.forward();
    result.clear();
    const Matrix y = tape.value(recording.output);
    for (Index r = 0; r < y.rows; ++r) result.insert(result.end(), y.row(r), y.row(r) + y.cols);
  }
  return result;
}

const std::vector<float>& statistics(const Graph& graph, std::size_t which) {
  return std::get<std::vector<float>>(graph.find_module("bn")->buffers()[which].value);
}

std::int64_t batches(const Graph& graph) {
  return std::get<std::int64_t>(graph.find_module("bn")->buffers()[2].value);
}

}  // namespace

TEST_CASE("training updates the running statistics as BatchNorm1d does on the quantized input") {
  const auto [width, fraction] = GENERATE(table<int, int>({{8, 4}, {4, 1}, {20, 10}}));
  CAPTURE(width, fraction);
  Graph plain = norm_alone(6), quantized = norm_alone(6), frozen = norm_alone(6);
  const MetaValue config = integer_config(width, fraction);
  quantize_all(quantized, config);
  const QuantizerPointer seen =
      make_quantizer("integer", {{"width", width}, {"frac_width", fraction}}, "data_in");
  three_steps(plain, Mode::train, seen.get());
  three_steps(quantized, Mode::train, nullptr);
  for (std::size_t which : {0, 1}) {
    CHECK(statistics(quantized, which) == statistics(plain, which));
    CHECK(statistics(quantized, which) != statistics(frozen, which));
  }
  CHECK(batches(quantized) == 3);

  MetaValue frozen_config = config;
  frozen_config["batch_statistics"] = false;
  quantize_all(frozen, frozen_config);
  const std::vector<float> trained = three_steps(frozen, Mode::train, nullptr);
  CHECK(statistics(frozen, 0) == std::vector<float>(6, 0.0F));
  CHECK(statistics(frozen, 1) == std::vector<float>(6, 1.0F));
  CHECK(batches(frozen) == 0);
  CHECK(trained == three_steps(frozen, Mode::evaluate, nullptr));
  CHECK(batches(frozen) == 0);
}

TEST_CASE("evaluation leaves the running statistics alone and sees the constants that the summary shows") {
  Graph graph = norm_alone(5);
  three_steps(graph, Mode::train, nullptr);
  quantize_all(graph, integer_config(8, 4));
  const std::vector<float> mean = statistics(graph, 0);
  const std::vector<float> y = three_steps(graph, Mode::evaluate, nullptr);
  CHECK(statistics(graph, 0) == mean);
  const auto [alpha, beta] = dynamic_cast<const QuantizedBatchNorm1d&>(*graph.find_module("bn")).constants();
  const QuantizerPointer q = make_quantizer("integer", {{"width", 8}, {"frac_width", 4}});
  Tensor x(5, 33);
  NormalSamples(5, 200, 12).fill(66, x.view());
  for (Index f = 0; f < 5; ++f)
    for (Index i = 0; i < 33; ++i) {
      const auto k = static_cast<std::size_t>(f);
      CHECK(y[static_cast<std::size_t>(f * 33 + i)] ==
            apply(*q, alpha[k]) * apply(*q, x(f, i)) + apply(*q, beta[k]));
    }
}

TEST_CASE("NaN counts as 0 where integers are added") {
  GraphBuilder builder(2);
  Graph graph = builder.finish(builder.call_module("fc", std::make_shared<Linear>(2, 1), {builder.input()}));
  quantize_all(graph, integer_config(20, 10));
  std::vector<Parameter>& parameters = graph.find_module("fc")->parameters();
  parameters[0].value(0, 0) = 0x3p-10F;
  parameters[0].value(0, 1) = 1.0F;
  parameters[1].value(0, 0) = 0.25F;
  Tape tape;
  const Recording recording = record(graph, tape, 1, Mode::evaluate);
  tape.value(recording.input)(0, 0) = kNan;
  tape.value(recording.input)(1, 0) = 0.5F;
  tape.forward();
  CHECK(tape.value(recording.output)(0, 0) == 0.75F);
}
