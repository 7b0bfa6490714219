// The network as data: nodes in execution order, the modules they call, and one flat block that holds every
// parameter.
//
// Nodes have torch.fx's six kinds and names: a placeholder is named after the argument ("x"), a call_module
// after its path with "." replaced by "_" ("seq_blocks_2"), a get_attr after the parameter that it fetches
// ("seq_blocks_2_weight"), a call_function after the function ("add", "add_1"), the last node is "output".
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/metadata.hpp"
#include "graph/module.hpp"

namespace jsc {

enum class NodeKind { placeholder, get_attr, call_function, call_method, call_module, output };

std::string_view node_kind_name(NodeKind kind);

using NodeId = Index;  // position in Graph::nodes

struct Node {
  NodeKind kind;
  std::string name;            // unique in the graph
  std::string target;          // module path, function name, argument name or path of a parameter
  std::vector<NodeId> inputs;  // all of them stand earlier
  Index features = 0;          // rows of the value it yields; of a parameter the columns, as torch counts
  Metadata meta{};             // what the passes found out about it
};

// All parameters in one aligned array, and all gradients in another of the same layout: an optimizer is one
// pass over each. Parameters start on 16-float boundaries; the padding between them is zero.
struct ParameterBlock {
  AlignedArray<float> values;
  AlignedArray<float> gradients;
  Index size = 0;  // floats in each
};

class Graph {
 public:
  Graph() = default;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  std::vector<Node> nodes;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>>
      modules;  // path -> module, in order of first use
  ParameterBlock block;
  Metadata meta;  // of the graph as a whole

  Module* find_module(std::string_view path) const;  // null if there is none
  Module* module_of(const Node& node) const;         // the one at module_path(node); null if there is none
  // What a get_attr fetches; null for other nodes.
  const Parameter* parameter_of(const Node& node) const;
  const Node& input() const;   // the placeholder
  const Node& result() const;  // what the output node returns

  // Lays all parameters out in one new block, keeping the values of those that were bound before.
  void bind_parameters();
  // Starting values: every module from its own random stream, so they depend on the seed and the module's
  // place alone.
  void initialize(std::uint64_t seed);
  // Number of trained scalars (padding not counted).
  Index parameter_count() const;
};

// Path of the module that the node calls, or whose parameter it fetches; empty for other nodes.
std::string_view module_path(const Node& node);

// Throws Error unless activations and parameters stand where the operation (by MASE's name) takes them:
// matmul's right operand is a parameter [in][out], everything else is an activation.
void check_operands(const Graph& graph, std::string_view op, const std::vector<NodeId>& inputs);

// `name` with "." as "_", and with _1, _2, ... if a node has it already.
std::string unique_name(const Graph& graph, std::string name);

// Throws Error naming the node and the rule that it breaks: one placeholder first, one output last, unique
// names, inputs earlier, targets that exist, features that fit.
void verify(const Graph& graph);

}  // namespace jsc
