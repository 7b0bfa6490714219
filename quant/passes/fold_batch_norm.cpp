// fold_batch_norm: a BatchNorm1d that alone reads a Linear becomes part of it.
//   before      y = alpha (W x + b) + beta                                             (ops/batch_norm.hpp)
//   after       y = W' x + b',  W' = diag(alpha) W,  b' = alpha b + beta                          (fold.hpp)
//   conditions  a float network; nobody else reads the Linear or calls either module
// As it stands alpha and beta are those of the running statistics, W' and b' are parameters of a Linear, and
// the normalization is gone. With `train = true` both layers' parameters stay and make up a
// LinearBatchNorm1d, which goes on taking statistics in training. In evaluation mode all three compute the
// same function up to float32 rounding, the last two to the bit. Jacob et al., CVPR 2018, 3.2.
#include <algorithm>

#include "graph/edit.hpp"
#include "graph/modules.hpp"
#include "quant/linear_batch_norm.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"

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

// The two as one layer, with the values of both.
std::shared_ptr<LinearBatchNorm1d> fused(const Linear& linear, const BatchNorm1d& norm) {
  const bool bias = linear.parameters().size() == 2;
  auto both = std::make_shared<LinearBatchNorm1d>(
      LinearBatchNormShape{linear.in(), linear.out(), bias, norm.eps(), norm.momentum(), norm.affine()});
  // Views of where the values lie until the graph binds them anew.
  std::vector<Parameter>& parameters = both->parameters();
  for (std::size_t i = 0; i < linear.parameters().size(); ++i)
    parameters[i].value = linear.parameters()[i].value;
  for (std::size_t i = 0; i < norm.parameters().size(); ++i)
    parameters[linear.parameters().size() + i].value = norm.parameters()[i].value;
  for (std::size_t i = 0; i < both->buffers().size(); ++i) both->buffers()[i].value = norm.buffers()[i].value;
  return both;
}

}  // namespace

PassResult fold_batch_norm(Graph& graph, const PassArguments& arguments) {
  const bool train = arguments.options.at("train").get<bool>();
  // A checkpoint repeats the structure first and quantizes then, and so does the float network beside it.
  for (const Node& node : graph.nodes)
    if (quantized_module(graph, node) != nullptr)
      fail("fold_batch_norm: node '{}' is quantized already: fold before quantize", node.name);
  PassResult result;
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Linear* linear = foldable(graph, graph.nodes[id]);
    if (linear == nullptr) continue;
    const NodeId before = graph.nodes[id].inputs[0];
    const std::string path = graph.nodes[static_cast<std::size_t>(before)].target;
    const auto both =
        fused(*linear, dynamic_cast<const BatchNorm1d&>(*graph.find_module(graph.nodes[id].target)));
    result.changed.push_back(graph.nodes[static_cast<std::size_t>(before)].name);
    result.text += fmt::format("{} folded into {}\n", graph.nodes[id].name, result.changed.back());
    const FoldedValues folded = folded_values(both->shape(), *both);
    if (train)
      swap_module(graph, path, both);
    else
      swap_module(graph, path, std::make_shared<Linear>(linear->in(), linear->out(), true));
    replace_uses(graph, static_cast<NodeId>(id), before);
    erase(graph, static_cast<NodeId>(id));
    if (!train) {
      std::vector<Parameter>& parameters = graph.find_module(path)->parameters();
      std::ranges::copy(folded.weight, parameters[0].value.data);
      std::ranges::copy(folded.bias, parameters[1].value.data);
    }
    --id;
  }
  if (result.changed.empty()) result.text = "no batch normalization follows a linear layer alone\n";
  return result;
}

}  // namespace jsc
