// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy
// as 1, 2, 3. SC 2011). The value at a position depends on (seed, stream, position) only, so neither the
// order of use nor the number of threads nor the ISA matters, and a fill may start anywhere.
//
// Key = seed; counter = {block, stream}, 64 bits each. A block is four 32-bit words; the word of position i
// is word (i/16) mod 4 of block 16 (i/64) + i mod 16, so that 16 blocks computed side by side fill 64
// positions in order.
#pragma once

#include <array>
#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"

namespace jsc {

struct RandomStream {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
};

// The four words of one block.
std::array<std::uint32_t, 4> philox_block(RandomStream stream, std::uint64_t block);

// The 32-bit word of a position.
std::uint32_t random_word(RandomStream stream, std::uint64_t position);

// Uniform on {0, 2^-24, ..., 1 - 2^-24}.
float uniform01(RandomStream stream, std::uint64_t position);

// Uniform on {0, ..., n-1} without bias (Lemire 2019), n >= 1; position < 2^56. Draws of their own: not a
// function of random_word(position).
std::uint64_t uniform_below(RandomStream stream, std::uint64_t position, std::uint64_t n);

// out[i] = word of position first + i
void fill_words(RandomStream stream, std::uint64_t first, std::uint32_t* out, Index n,
                Isa isa = detected_isa());

// out[i] = lo + (hi - lo) uniform01(first + i), below hi
void fill_uniform(RandomStream stream, std::uint64_t first, float lo, float hi, float* out, Index n,
                  Isa isa = detected_isa());

// out[i] = standard normal of position first + i (Box-Muller on two words; at most 6.66 in magnitude)
void fill_normal(RandomStream stream, std::uint64_t first, float* out, Index n, Isa isa = detected_isa());

// Puts the n values into a random order (Fisher-Yates: for i = n .. 2, exchanges values i - 1 and
// uniform_below(stream, i, i)).
void shuffle(RandomStream stream, std::uint32_t* values, Index n, Isa isa = detected_isa());

}  // namespace jsc
