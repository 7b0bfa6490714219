// fold_batch_norm: a BatchNorm1d that alone reads a Linear becomes part of it.
//   before   y = alpha (W x + b) + beta, alpha and beta of the running statistics (ops/batch_norm.hpp)
//   after    y = W' x + b',  W' = diag(alpha) W,  b' = alpha b + beta, each rounded once to float32
//   conditions   float layers; nobody else reads the Linear or calls either module
// The network computes the same function up to float32 rounding, in evaluation mode. Jacob et al., CVPR
// 2018, 3.2.
#include <cmath>

#include "graph/edit.hpp"
#include "graph/modules.hpp"
#include "quant/passes/passes.hpp"
#include "quant/scale_shift.hpp"

namespace jsc {

namespace {

Index calls(const Graph& graph, const std::string& path) {
  Index n = 0;
  for (const Node& node : graph.nodes) n += node.kind == NodeKind::call_module && node.target == path ? 1 : 0;
  return n;
}

// The Linear that the node reads, if the two can be folded.
const Linear* foldable(const Graph& graph, const Node& node) {
  if (node.kind != NodeKind::call_module) return nullptr;
  if (dynamic_cast<const BatchNorm1d*>(graph.find_module(node.target)) == nullptr) return nullptr;
  const Node& before = graph.nodes[static_cast<std::size_t>(node.inputs[0])];
  if (before.kind != NodeKind::call_module || users(graph, node.inputs[0]).size() != 1) return nullptr;
  if (calls(graph, node.target) != 1 || calls(graph, before.target) != 1) return nullptr;
  return dynamic_cast<const Linear*>(graph.find_module(before.target));
}

// The values of the folded layer.
struct Folded {
  std::vector<float> weight, bias;
};

Folded fold(const Linear& linear, const BatchNorm1d& norm) {
  const auto& mean = std::get<std::vector<float>>(norm.buffers()[0].value);
  const auto& variance = std::get<std::vector<float>>(norm.buffers()[1].value);
  Folded folded;
  for (Index o = 0; o < linear.out(); ++o) {
    const auto i = static_cast<std::size_t>(o);
    const auto [alpha, beta] =
        scale_and_offset(norm.affine() ? norm.parameters()[0].value.data[o] : 1.0F,
                         norm.affine() ? norm.parameters()[1].value.data[o] : 0.0F, mean[i],
                         inverse_deviation(variance[i], static_cast<float>(norm.eps())));
    const float* weight = linear.parameters()[0].value.row(o);
    for (Index k = 0; k < linear.in(); ++k) folded.weight.push_back(alpha * weight[k]);
    const float bias = linear.parameters().size() == 2 ? linear.parameters()[1].value.data[o] : 0.0F;
    folded.bias.push_back(std::fma(alpha, bias, beta));
  }
  return folded;
}

}  // namespace

PassResult fold_batch_norm(Graph& graph, const PassArguments&) {
  PassResult result;
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Linear* linear = foldable(graph, graph.nodes[id]);
    if (linear == nullptr) continue;
    const NodeId before = graph.nodes[id].inputs[0];
    const std::string path = graph.nodes[static_cast<std::size_t>(before)].target;
    const Folded folded =
        fold(*linear, dynamic_cast<const BatchNorm1d&>(*graph.find_module(graph.nodes[id].target)));
    result.changed.push_back(graph.nodes[static_cast<std::size_t>(before)].name);
    result.text += fmt::format("{} folded into {}\n", graph.nodes[id].name, result.changed.back());
    swap_module(graph, path, std::make_shared<Linear>(linear->in(), linear->out(), true));
    replace_uses(graph, static_cast<NodeId>(id), before);
    erase(graph, static_cast<NodeId>(id));
    std::vector<Parameter>& parameters = graph.find_module(path)->parameters();
    std::ranges::copy(folded.weight, parameters[0].value.data);
    std::ranges::copy(folded.bias, parameters[1].value.data);
    --id;
  }
  if (result.changed.empty()) result.text = "no batch normalization follows a linear layer alone\n";
  return result;
}

}  // namespace jsc
