// The kernels of integer networks for any processor.
#include "quant/kernels/integer_rows.hpp"

namespace jsc {

const IntegerKernels kIntegerKernelsPortable = {
    kernels_of<std::int32_t>(), kernels_of<std::int64_t>(), nullptr, nullptr, pack_bytes, pack_shorts};

}  // namespace jsc
