// The main function of the programs whose cases are made at run time: each defines register_benchmarks().
#pragma once

namespace jsc {

void register_benchmarks();

}  // namespace jsc
