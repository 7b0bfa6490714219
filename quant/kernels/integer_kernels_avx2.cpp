// The kernels of integer networks for AVX2.
#include <immintrin.h>

#include "quant/kernels/integer_rows.hpp"

namespace jsc {
namespace {

struct Shorts {
  using Register = __m256i;
  static Register load(const std::int32_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Register broadcast(std::int32_t word) { return _mm256_set1_epi32(word); }
  static Register dot(Register sum, Register x, Register w) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
  }
};

}  // namespace

const IntegerKernels kIntegerKernelsAvx2 = {
    kernels_of<std::int32_t>(), kernels_of<std::int64_t>(), nullptr, dots<Shorts>, pack_bytes, pack_shorts};

}  // namespace jsc
