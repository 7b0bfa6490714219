#include "bench/systemc_casts.hpp"

#define SC_INCLUDE_FX
#include <cmath>
#include <systemc>

int sc_main(int, char**) {
  return 0;
}  // the library asks for it; nothing is simulated

namespace jsc_bench {

// As a model in SystemC has it: one number assigned to another.
void systemc_casts(const std::int64_t* from, std::size_t count, int fraction, int width, int integer,
                   std::int64_t* to) {
  constexpr int kSourceWidth = 40;
  sc_dt::sc_fix source(kSourceWidth, kSourceWidth - fraction);
  sc_dt::sc_fix number(width, integer, sc_dt::SC_RND_CONV, sc_dt::SC_SAT);
  for (std::size_t i = 0; i < count; ++i) {
    source = std::ldexp(static_cast<double>(from[i]), -fraction);
    number = source;
    to[i] = static_cast<std::int64_t>(std::ldexp(number.to_double(), width - integer));
  }
}

}  // namespace jsc_bench
