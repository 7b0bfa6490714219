// add_hardware_metadata: how a node would be built: needs add_common_metadata.
//
//   is_implicit       true where no hardware is needed (placeholder, output, parameters that are fetched,
//                     dropout in evaluation)
//   toolchain         "INTERNAL" with module and dependence_files for linear and relu, "HLS" without a module
//                     for the others
//   interface         of each tensor parameter {storage: BRAM, transpose: False}, of each input {}
//   verilog_param     ARG_PRECISION_i, ARG_TENSOR_SIZE_DIM_d, ARG_PARALLELISM_DIM_d (upper case; dimension 0
//                     is the last axis)
//   parallelism       [1, 4], the same for every node, as MASE has it
//   graph verilog_sources  the dependence files of all nodes, each once
#include <algorithm>
#include <cctype>

#include "graph/passes/passes.hpp"

namespace jsc {

namespace {

struct InternalBlock {
  const char* mase_op;
  const char* module;
  const char* file;
};
constexpr InternalBlock kBlocks[] = {{"linear", "fixed_linear", "fixed_linear.sv"},
                                     {"relu", "fixed_relu", "fixed_relu.sv"}};
constexpr int kParallelism[] = {4, 1};  // dimension 0 (the last axis) first

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void add_verilog(MetaValue& params, const std::string& entry_name, const MetaValue& entry) {
  const std::string name = upper(entry_name);
  const MetaValue& precision = entry.at("precision");
  const MetaValue& shape = entry.at("shape");
  for (std::size_t i = 0; i < precision.size(); ++i)
    params[fmt::format("{}_PRECISION_{}", name, i)] = precision[i];
  for (std::size_t d = 0; d < shape.size(); ++d) {
    params[fmt::format("{}_TENSOR_SIZE_DIM_{}", name, d)] = shape[shape.size() - 1 - d];
    params[fmt::format("{}_PARALLELISM_DIM_{}", name, d)] = d < std::size(kParallelism) ? kParallelism[d] : 1;
  }
}

}  // namespace

PassResult add_hardware_metadata(Graph& graph, const PassArguments&) {
  MetaValue sources = MetaValue::array();
  for (Node& node : graph.nodes) {
    const MetaValue& common = node.meta.common;
    if (!common.contains("args"))
      fail("pass add_hardware_metadata: node '{}' has no common metadata: run add_common_metadata first",
           node.name);
    const std::string op = common.at("mase_op").get<std::string>();
    const bool implicit = op == "placeholder" || op == "output" || op == "constant" || op == "dropout";
    MetaValue& hardware = node.meta.hardware = MetaValue::object();
    hardware["is_implicit"] = implicit;
    hardware["device_id"] = implicit ? 0 : -1;
    if (implicit) continue;

    const auto block = std::ranges::find_if(kBlocks, [&](const InternalBlock& b) { return op == b.mase_op; });
    const bool internal = block != std::end(kBlocks);
    hardware["toolchain"] = internal ? "INTERNAL" : "HLS";
    hardware["module"] = internal ? MetaValue(block->module) : MetaValue(nullptr);
    hardware["dependence_files"] = internal ? MetaValue::array({block->file}) : MetaValue::array();
    if (internal && std::ranges::find(sources, MetaValue(block->file)) == sources.end())
      sources.push_back(block->file);

    MetaValue interface = MetaValue::object(), params = MetaValue::object();
    for (const auto& [name, entry] : common.at("args").items()) {
      const bool is_parameter = entry.contains("from") && entry.at("from").is_null();
      interface[name] =
          is_parameter ? MetaValue{{"storage", "BRAM"}, {"transpose", false}} : MetaValue::object();
      add_verilog(params, name, entry);
    }
    for (const auto& [name, entry] : common.at("results").items()) add_verilog(params, name, entry);
    hardware["interface"] = std::move(interface);
    hardware["parallelism"] = {1, 4};
    hardware["verilog_param"] = std::move(params);
  }
  graph.meta.hardware["verilog_sources"] = std::move(sources);
  return {};
}

}  // namespace jsc
