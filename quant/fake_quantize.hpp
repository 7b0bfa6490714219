// Fake quantization: the forward pass sees the quantized numbers, the backward pass the straight-through
// gradient (Bengio, Léonard and Courville 2013), cut where the quantizer saturates (as hard tanh's; Hubara et
// al., JMLR 18 (2018), section 2.3).
//   y = Q(x),  d_x = d_y where lo <= x <= hi, else 0        (Ste::identity: d_x = d_y)
// With a learned range (learned_range.hpp) the threshold t gets a gradient, too: y = s clip(round(x/s), n, p)
// with s = 2^ceil(log2 t) 2^-b, and the ceiling straight-through (Jain et al., MLSys 2020, equation 7)
//   d_log2_t = ln 2 sum d_y (lo <= x <= hi ? y - x : y)     (y is s n or s p where x saturates)
#pragma once

#include <optional>
#include <string>

#include "engine/random.hpp"
#include "engine/tape.hpp"
#include "quant/quantizer/quantizer.hpp"

namespace jsc {

enum class Ste { clip, identity };

struct FakeQuantization {
  const Quantizer& quantizer;  // must outlive the recording
  TensorKind kind = TensorKind::activation;
  Ste ste = Ste::clip;
  Variable log2_threshold{};             // [1][1], of a learned range
  std::optional<RandomStream> random{};  // of a stochastic quantizer in training; keyed by the step, too
};

// A value that is annotated with exact integers is cast from those, so that nothing is rounded twice. Where
// the format holds more than float32's 24 bits, the result is annotated with its integers. `label` names it
// for those who compare.
Variable fake_quantize(Tape& tape, Variable x, const FakeQuantization& how, std::string label);

}  // namespace jsc
