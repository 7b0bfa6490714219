#include "apps/transform/transforms.hpp"

#include "apps/transform/pass_list.hpp"
#include "quant/quantization.hpp"

namespace jsc {

namespace {

constexpr const char* kQuantize = "quantize";

}  // namespace

void Transforms::add(std::string_view pass, const MetaValue& options, const Graph& graph) {
  MetaValue kept = MetaValue::array();
  for (const MetaValue& transform : list)
    if (transform.at("pass") != kQuantize) kept.push_back(transform);
  if (pass != kQuantize && pass != "calibrate")
    kept.push_back({{"pass", std::string(pass)}, {"options", options}});
  MetaValue quantization = quantization_of(graph);
  if (!quantization.empty()) {
    quantization["report"] = false;
    kept.push_back({{"pass", kQuantize}, {"options", quantization}});
  }
  list = std::move(kept);
}

void Transforms::replay(Graph& graph) const {
  for (const MetaValue& transform : list) {
    PassArguments arguments;
    arguments.options = transform.at("options");
    run_pass(find_pass(transform.at("pass").get<std::string>()), graph, arguments);
  }
}

}  // namespace jsc
