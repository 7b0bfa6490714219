// Changing a graph: a few steps from which transforms are made. Positions (NodeId) of later nodes shift as
// nodes come and go; names stay. verify() tells whether the result is sound.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace jsc {

// The node's position. Throws Error with the nearest name if there is none.
NodeId find_node(const Graph& graph, std::string_view name);

// Positions of the nodes that read this one.
std::vector<NodeId> users(const Graph& graph, NodeId node);

// Puts a call of a module or function before `position` and returns its position (which is `position`). Its
// inputs stand earlier; nobody reads it yet. A module's path must be new. The name is made unique.
NodeId insert_module_before(Graph& graph, NodeId position, const std::string& path,
                            std::shared_ptr<Module> module, std::vector<NodeId> inputs);
NodeId insert_function_before(Graph& graph, NodeId position, const std::string& function,
                              std::vector<NodeId> inputs);

// Every node but `replacement` itself that reads `node` reads `replacement` instead.
void replace_uses(Graph& graph, NodeId node, NodeId replacement);

// Removes a node that nobody reads, and its module if no other node calls it. Throws Error naming a reader.
void erase(Graph& graph, NodeId node);

// The module at this path becomes another one, for every node that calls it. Parameters of the same name and
// shape keep their values; the others start at zero. Returns the old module, whose parameters have no values
// any more.
std::shared_ptr<Module> swap_module(Graph& graph, std::string_view path, std::shared_ptr<Module> module);

}  // namespace jsc
