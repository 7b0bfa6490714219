// An integer network on disk: a safetensors file with the raw integers of every step and, as metadata, the
// program around them. docs/formats.md has the layout. It needs neither the model nor the training code to be
// used.
#pragma once

#include <string>
#include <vector>

#include "apps/checkpoint/safetensors.hpp"
#include "apps/data/scaler.hpp"
#include "quant/integer/program.hpp"

namespace jsc {

struct IntegerFile {
  IntegerProgram program;
  std::string model;  // the name
  std::vector<std::string> feature_names, class_names;
  Scaler scaler;  // what is done to the features before they are quantized; empty: nothing
};

void save_integer_network(const std::string& path, const IntegerFile& network);

// Throws Error if the file is damaged, of another kind, or does not match its hash.
IntegerFile load_integer_network(const std::string& path);

// Whether a safetensors file's metadata says that it holds an integer network.
bool is_integer_network(const TensorFile& file);
bool is_integer_network(const std::string& path);

}  // namespace jsc
