// How parameters begin: PyTorch's default for Linear, U(-k, +k) with k = 1/sqrt(fan_in) for weight and bias
// (He et al. 2015 with a = sqrt(5); LeCun et al. 1998 for the scale).
#pragma once

#include "engine/random.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// Draws row by row from the stream. Value i of the stream is value i of the weight.
void initialize_weight(RandomStream stream, Matrix weight, Index fan_in);

// Draws weight [out][in] row by row from the stream, then bias [1][out] (may be without data). Value i of the
// stream is value i of the layer.
void initialize_linear(RandomStream stream, Matrix weight, Matrix bias);

}  // namespace jsc
