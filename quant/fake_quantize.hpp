// Fake quantization: the forward pass sees the quantized numbers, the backward pass the straight-through
// gradient (Bengio, Léonard and Courville 2013), cut where the quantizer saturates (as hard tanh's; Hubara et
// al., JMLR 18 (2018), section 2.3).
//   y = Q(x),  d_x = d_y where lo <= x <= hi, else 0        (Ste::identity: d_x = d_y)
#pragma once

#include <string>

#include "engine/tape.hpp"
#include "quant/quantizer/quantizer.hpp"

namespace jsc {

enum class Ste { clip, identity };

// A value that is annotated with exact integers is cast from those, so that nothing is rounded twice. Where
// the format holds more than float32's 24 bits, the result is annotated with its integers. `label` names it
// for those who compare. `quantizer` must outlive the recording.
Variable fake_quantize(Tape& tape, Variable x, const Quantizer& quantizer, TensorKind kind, Ste ste,
                       std::string label);

}  // namespace jsc
