// The hash that a safetensors file of this program carries of itself, so that a damaged one is refused before
// anything of it is used: weights alone do not make an answer, the scaler, names and optimizer's state do
// too.
#pragma once

#include <string>

#include "apps/checkpoint/safetensors.hpp"

namespace jsc {

constexpr const char* kContentHash = "content_hash";  // its key in the metadata

// XXH3-64 over all other metadata and all tensors. Shapes are not in it: those of the tensors here follow
// from their bytes, or from the model, which is in the metadata.
std::string content_hash(const TensorFile& file);

}  // namespace jsc
