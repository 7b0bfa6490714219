// A model is a TOML text that lists layers: the zoo's are built in, others come from files. The text travels
// in every checkpoint, so a network can be rebuilt from the checkpoint alone.
//
//   name = "my-net"             # optional
//   container = "seq_blocks"    # optional: layers are called container.0, container.1, ...
//   layers = [
//     { type = "batch_norm" },
//     { type = "linear", out = 32, name = "first" },
//     { type = "relu" },
//     { type = "linear", out = 32, name = "second" },
//     { type = "add", inputs = ["first", "second"] },      # a skip connection
//     { type = "linear", out = "classes" },                # the data set's number of classes
//   ]
// A layer reads the one before it unless `input = "name"` (or `inputs = [...]` for add, sub, mul) says
// otherwise; "x" is the network's input. docs/formats.md lists the types and their options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.hpp"

namespace jsc {

struct ModelDescription {
  std::string name;
  std::string toml;
};

struct ZooEntry {
  std::string_view name;
  std::string_view about;
  std::string_view toml;
};

const std::vector<ZooEntry>& zoo();

// A zoo name, or the path of a .toml file. Throws Error with the nearest zoo name if it is neither.
ModelDescription find_model(const std::string& name_or_path);

// Builds the graph for data of these sizes; parameters are bound and zero. Throws Error naming model, layer,
// expected and found for unknown types or keys, sizes that do not chain, or an output other than `classes`
// wide.
Graph build_model(const ModelDescription& model, Index features, Index classes);

}  // namespace jsc
