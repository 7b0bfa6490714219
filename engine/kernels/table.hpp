// Which kernels run. Not for the ISA-specific sources: a copy of the function out of line would be shared
// between ISAs.
#pragma once

#include "engine/error.hpp"
#include "engine/kernels/kernels.hpp"

namespace jsc {

// The table of an ISA, which must be one that this build and processor support (cpu.hpp). In line, or what a
// small product was called with would go by way of memory first.
inline const EngineKernels& engine_kernels(Isa isa) {
  JSC_ASSERT(isa <= detected_isa());
  return *engine_kernels_by_isa[static_cast<std::size_t>(isa)];
}

}  // namespace jsc
