// Calibration chooses the fraction bits that its method defines, tensor by tensor.
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/edit.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantized_tensors.hpp"
#include "tests/quant/quantized_network.hpp"

using namespace jsc;
using namespace jsc::test;
using Catch::Contains;

namespace {

const Pass& calibrate_pass() {
  for (const Pass& pass : quant_passes())
    if (pass.name == "calibrate") return pass;
  throw std::logic_error("no such pass");
}

PassResult run_calibrate(Graph& graph, const MetaValue& options) {
  static const NormalSamples samples(16, 700, 3);
  PassArguments arguments;
  arguments.options = options;
  arguments.input = &samples;
  return run_pass(calibrate_pass(), graph, arguments);
}

Graph quantized_network(int width) {
  Graph graph = small_network(16, 12, 5, 5);
  quantize_all(graph, integer_config(width, 0));
  return graph;
}

const fixed::Format& format_of(const QuantizerPointer& quantizer) {
  const fixed::Format* format = quantizer->fixed_format();
  if (format == nullptr) throw std::logic_error("not fixed point");
  return *format;
}

double squared_error(const QuantizedTensor& tensor, int fraction) {
  const fixed::Format& format = format_of(tensor.quantizer);
  const double scale = std::ldexp(1.0, fraction), lo = static_cast<double>(format.min_raw()),
               hi = static_cast<double>(format.max_raw());
  double sum = 0;
  for (const float v : tensor.values) {
    const double q = std::min(std::max(std::nearbyint(v * scale), lo), hi) / scale;
    sum += (q - v) * (q - v);
  }
  return sum;
}

}  // namespace

TEST_CASE("min_max takes the most fraction bits with which no parameter saturates") {
  Graph graph = quantized_network(8);
  run_calibrate(graph, {{"method", "min_max"}});
  for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
    CAPTURE(tensor.name, tensor.format());
    CHECK(tensor.saturated_share() == 0.0);
    const int fraction = format_of(tensor.quantizer).fraction();
    double largest = 0;
    for (const float v : tensor.values) largest = std::max(largest, static_cast<double>(std::fabs(v)));
    CHECK(largest * std::ldexp(1.0, fraction + 1) > 127.5);  // one bit more would saturate
  }
}

TEST_CASE("mse takes the fraction bits of the least error") {
  for (int width : {8, 4, 3}) {
    Graph graph = quantized_network(width);
    run_calibrate(graph, {{"method", "mse"}});
    for (const QuantizedTensor& tensor : quantized_tensors(graph)) {
      CAPTURE(width, tensor.name, tensor.format());
      const int chosen = format_of(tensor.quantizer).fraction();
      for (int fraction = chosen - 8; fraction <= chosen + 8; ++fraction)
        CHECK(squared_error(tensor, chosen) <= squared_error(tensor, fraction));
    }
  }
}

TEST_CASE("activations are judged by what the quantized network before them yields") {
  Graph graph = quantized_network(8);
  const PassResult result =
      run_calibrate(graph, {{"method", "quantile"}, {"quantile", 1.0}, {"num_samples", 500}});
  CHECK(result.changed.size() == 7);
  // Normal numbers of deviation 2, 500 rows of 16: the largest is between 4 and 16, so 8 signed bits keep 3
  // or 4.
  const auto fraction_of = [&](const char* node) {
    const Node& found = graph.nodes[static_cast<std::size_t>(find_node(graph, node))];
    return format_of(quantized_module(graph, found)->quantization().data_in).fraction();
  };
  CHECK((fraction_of("seq_blocks_0") == 3 || fraction_of("seq_blocks_0") == 4));
  Graph cut = quantized_network(8);
  run_calibrate(cut, {{"method", "quantile"}, {"quantile", 0.6}});
  const Node& first = cut.nodes[1];
  CHECK(format_of(quantized_module(cut, first)->quantization().data_in).fraction() >
        fraction_of("seq_blocks_0"));
}

TEST_CASE("an input that a ReLU yields needs no sign, unless the configuration has one") {
  const auto is_signed = [](const Graph& graph, const char* node) {
    return format_of(quantized_module(graph, graph.nodes[static_cast<std::size_t>(find_node(graph, node))])
                         ->quantization()
                         .data_in)
        .is_signed;
  };
  Graph graph = quantized_network(8), kept = quantized_network(8), given = small_network(16, 12, 5, 5);
  run_calibrate(graph, MetaValue::object());
  CHECK(is_signed(graph, "seq_blocks_0"));   // the network's input
  CHECK(!is_signed(graph, "seq_blocks_2"));  // behind a ReLU
  CHECK(is_signed(graph, "seq_blocks_3"));   // behind a linear layer
  CHECK(!is_signed(graph, "seq_blocks_5"));
  run_calibrate(kept, {{"drop_signs", false}});
  CHECK(is_signed(kept, "seq_blocks_2"));
  MetaValue config = integer_config(8, 0);
  config["data_in_signed"] = true;
  quantize_all(given, config);
  run_calibrate(given, MetaValue::object());
  CHECK(is_signed(given, "seq_blocks_2"));
}

TEST_CASE("calibration is refused where it makes no sense") {
  Graph graph = quantized_network(8);
  CHECK_THROWS_WITH(run_calibrate(graph, {{"method", "guess"}}),
                    Contains("min_max, quantile or mse") && Contains("guess"));
  CHECK_THROWS_WITH(run_calibrate(graph, {{"quantile", 0.2}}), Contains("(0.5, 1]"));
  CHECK_THROWS_WITH(run_calibrate(graph, {{"num_samples", 0}}), Contains("num_samples"));
  Graph plain = small_network(16, 12, 5, 5);
  CHECK_THROWS_WITH(run_calibrate(plain, MetaValue::object()), Contains("run quantize before"));
}
