#include "engine/cpu.hpp"

#if defined(JSC_X86_64)
#include <cpuid.h>
#endif

#include "engine/error.hpp"

namespace jsc {

namespace {

Isa read_cpu() {
#if defined(JSC_X86_64)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx2 && avx512) return Isa::avx512;
  if (avx2) return Isa::avx2;
#endif
  return Isa::portable;
}

// By AMD's family and model (CPUID leaf 1). Zen 3 and 4 are family 25, of which only Zen 4 has AVX-512; of
// family 26 the models below 32 are Zen 5 for servers, with units of 512 bits, and the others were not
// measured.
Core read_core() {
#if defined(JSC_X86_64)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (detected_isa() != Isa::avx512 || __get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0 ||
      ebx != signature_AMD_ebx || __get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0)
    return Core::other;
  const unsigned base = eax >> 8 & 0xf, family = base == 0xf ? base + (eax >> 20 & 0xff) : base;
  const unsigned model = (eax >> 12 & 0xf0) | (eax >> 4 & 0xf);
  if (family == 25) return Core::zen4;
  if (family == 26 && model < 32) return Core::zen5;
#endif
  return Core::other;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

Isa detected_isa() {
  static const Isa isa = read_cpu();
  return isa;
}

Core detected_core() {
  static const Core core = read_core();
  return core;
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (isa <= detected_isa()) isas.push_back(isa);
  return isas;
}

Isa masked_isa(std::string_view mask) {
  if (mask.empty() || mask == "auto") return detected_isa();
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (mask != isa_name(isa)) continue;
    if (isa > detected_isa())
      fail("cpu mask: this processor has no {} (the best here is {})", mask, isa_name(detected_isa()));
    return isa;
  }
  fail("cpu mask: expected portable, avx2, avx512 or auto, found '{}'", mask);
}

}  // namespace jsc
