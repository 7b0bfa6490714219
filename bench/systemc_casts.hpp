// SystemC's casts as a peer: a file of its own, since Debian's library is C++17.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jsc_bench {

// to[i] = raw value of from[i] · 2^-fraction in sc_fix(width, integer), rounded half to even, saturating.
void systemc_casts(const std::int64_t* from, std::size_t count, int fraction, int width, int integer,
                   std::int64_t* to);

}  // namespace jsc_bench
