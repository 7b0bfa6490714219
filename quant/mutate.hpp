// Faults planted in an integer network, one at a time, to see whether verification finds them.
#pragma once

#include <string>

#include "quant/integer/program.hpp"

namespace jsc {

struct Mutant {
  std::string fault;  // "seq_blocks_2.sum: weight [3][7], bit 2 flipped (17 -> 21)"
  IntegerProgram program;
};

// The fault with this number out of the sequence that `seed` gives: a flipped bit of a weight, a flipped bit
// of a bias, another rounding mode, a sum register one bit short, or two neurons swapped, each as likely as
// the others where the network has them.
Mutant plant_fault(const IntegerProgram& program, std::uint64_t seed, std::uint64_t number);

}  // namespace jsc
