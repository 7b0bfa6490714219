// The options that several statistics share.
#pragma once

#include "graph/passes/pass.hpp"

namespace jsc {

inline constexpr PassOption kDeviceOption{"device", "string", "null", "accepted for MASE's sake; no effect"};
inline constexpr PassOption kDimsOption{"dims", "dims", "\"all\"",
                                        "what is reduced: \"all\", null (samples only) or dimensions"};
inline constexpr PassOption kAbsOption{"abs", "boolean", "false", "of |x| instead of x"};

}  // namespace jsc
