// The kernels of integer networks for AVX-512 with VNNI.
#include <immintrin.h>

#include "quant/kernels/integer_rows.hpp"

namespace jsc {
namespace {

struct Shorts {
  using Register = __m512i;
  static Register load(const std::int32_t* p) { return _mm512_load_si512(p); }
  static Register broadcast(std::int32_t word) { return _mm512_set1_epi32(word); }
  static Register dot(Register sum, Register x, Register w) { return _mm512_dpwssd_epi32(sum, x, w); }
};

struct Bytes : Shorts {
  static Register dot(Register sum, Register x, Register w) { return _mm512_dpbusd_epi32(sum, x, w); }
};

}  // namespace

const IntegerKernels kIntegerKernelsVnni = {kernels_of<std::int32_t>(),
                                            kernels_of<std::int64_t>(),
                                            dots<Bytes>,
                                            dots<Shorts>,
                                            pack_bytes,
                                            pack_shorts};

}  // namespace jsc
