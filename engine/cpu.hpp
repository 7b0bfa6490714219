// Which instruction sets this processor has, and which of them a run may use.
#pragma once

#include <string_view>
#include <vector>

namespace jsc {

// Kernel families, worst to best. Every family gives the same bits; they differ in speed only.
enum class Isa { portable = 0, avx2 = 1, avx512 = 2 };

std::string_view isa_name(Isa isa);

// The best family that this processor and this build have; read once.
Isa detected_isa();

// Cores whose products are tuned apart (gemm.cpp); read once.
enum class Core { other, zen4, zen5 };
Core detected_core();

// All families that can run here, worst to best.
std::vector<Isa> supported_isas();

// The family to use under a mask given by name: "portable", "avx2" or "avx512" (the best allowed), "" or
// "auto" for no mask. Throws Error for another name or for one that this processor or build lacks.
Isa masked_isa(std::string_view mask);

}  // namespace jsc
