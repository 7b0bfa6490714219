// Builds a graph node by node in execution order.
//
//   GraphBuilder builder(16);
//   NodeId h = builder.call_module("seq_blocks.0", std::make_shared<Linear>(16, 5), {builder.input()});
//   Graph graph = builder.finish(h);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace jsc {

class GraphBuilder {
 public:
  explicit GraphBuilder(Index features, std::string input_name = "x");

  NodeId input() const { return 0; }
  Index features(NodeId node) const { return graph_.nodes[static_cast<std::size_t>(node)].features; }

  // Calls a module; a path that is known already shares that module (pass null or the same module).
  NodeId call_module(const std::string& path, std::shared_ptr<Module> module, std::vector<NodeId> inputs);
  // Fetches the parameter of a module that holds nothing else; sharing as above.
  NodeId get_attr(const std::string& path, std::shared_ptr<Module> module);
  NodeId call_function(const std::string& function, std::vector<NodeId> inputs);

  // Adds the output node, binds the parameters and verifies. The builder is empty afterwards.
  Graph finish(NodeId result);

 private:
  Module& module_at(const std::string& path, std::shared_ptr<Module> module);
  void check(std::string_view op, const std::string& name, const std::vector<NodeId>& inputs) const;
  NodeId append(NodeKind kind, std::string name, std::string target, std::vector<NodeId> inputs,
                Index features);
  std::vector<Index> features_of(const std::vector<NodeId>& inputs) const;
  Graph graph_;
};

}  // namespace jsc
