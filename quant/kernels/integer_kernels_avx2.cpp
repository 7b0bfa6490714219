// The kernels of integer networks for AVX2.
#include "quant/kernels/integer_rows.hpp"

namespace jsc {

const IntegerKernels kIntegerKernelsAvx2 = {kernels_of<std::int32_t>(), kernels_of<std::int64_t>()};

}  // namespace jsc
