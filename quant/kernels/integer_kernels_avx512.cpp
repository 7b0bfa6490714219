// The kernels of integer networks for AVX-512.
#include <immintrin.h>

#include "quant/kernels/integer_rows.hpp"

namespace jsc {
namespace {

struct Shorts {
  using Register = __m512i;
  static Register load(const std::int32_t* p) { return _mm512_load_si512(p); }
  static Register broadcast(std::int32_t word) { return _mm512_set1_epi32(word); }
  static Register dot(Register sum, Register x, Register w) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w));
  }
};

}  // namespace

const IntegerKernels kIntegerKernelsAvx512 = {
    kernels_of<std::int32_t>(), kernels_of<std::int64_t>(), nullptr, dots<Shorts>, pack_bytes, pack_shorts};

}  // namespace jsc
