#include "engine/random.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/kernels/table.hpp"

namespace jsc {

namespace {

constexpr Index kGroup = 64;  // positions that 16 blocks fill

constexpr std::uint64_t block_of(std::uint64_t position) {
  return position / 64 * 16 + position % 16;
}
constexpr std::size_t word_of(std::uint64_t position) {
  return position / 16 % 4;
}

// The high half of word times n into `result`; false if the word must be drawn again for the result to be
// uniform.
bool scaled_word(std::uint64_t word, std::uint64_t n, std::uint64_t& result) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{word} * n;
  const auto low = static_cast<std::uint64_t>(product);
  result = static_cast<std::uint64_t>(product >> 64);
  return low >= n || low >= -n % n;
}

// Fills positions first .. first + n - 1: whole groups by one call of the kernel, cut ones through a buffer.
template <class T, class Kernel>
void fill(RandomStream stream, std::uint64_t first, T* out, Index n, const Kernel& kernel) {
  RandomArgs args = {stream.seed, stream.stream, first / kGroup, 0};
  auto skip = static_cast<Index>(first % kGroup);
  while (n > 0) {
    Index done;
    if (skip == 0 && n >= kGroup) {
      args.groups = n / kGroup;
      done = args.groups * kGroup;
      kernel(args, out);
    } else {
      T group[kGroup];
      args.groups = 1;
      done = std::min(n, kGroup - skip);
      kernel(args, group);
      std::copy_n(group + skip, done, out);
      skip = 0;
    }
    args.group += static_cast<std::uint64_t>(args.groups);
    out += done;
    n -= done;
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox_block(RandomStream stream, std::uint64_t block) {
  std::array<std::uint32_t, 4> c = {
      static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
      static_cast<std::uint32_t>(stream.stream), static_cast<std::uint32_t>(stream.stream >> 32)};
  std::uint32_t k0 = static_cast<std::uint32_t>(stream.seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(stream.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

std::uint32_t random_word(RandomStream stream, std::uint64_t position) {
  return philox_block(stream, block_of(position))[word_of(position)];
}

float uniform01(RandomStream stream, std::uint64_t position) {
  return static_cast<float>(random_word(stream, position) >> 8) * 0x1p-24F;
}

// The high half of n times a random 64-bit word; words whose low half falls among the first 2^64 mod n are
// drawn again, from block position + attempt 2^56.
std::uint64_t uniform_below(RandomStream stream, std::uint64_t position, std::uint64_t n) {
  JSC_ASSERT(n >= 1);
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto words = philox_block(stream, position + (attempt << 56));
    std::uint64_t result = 0;
    if (scaled_word(words[0] | (std::uint64_t{words[1]} << 32), n, result)) return result;
  }
}

void fill_words(RandomStream stream, std::uint64_t first, std::uint32_t* out, Index n, Isa isa) {
  fill(stream, first, out, n, [isa](const RandomArgs& args, std::uint32_t* to) {
    engine_kernels(isa).random_words(args, reinterpret_cast<std::int32_t*>(to));
  });
}

void fill_uniform(RandomStream stream, std::uint64_t first, float lo, float hi, float* out, Index n,
                  Isa isa) {
  const UniformRange range = {lo, hi - lo, std::nextafter(hi, lo)};
  fill(stream, first, out, n, [&range, isa](const RandomArgs& args, float* to) {
    engine_kernels(isa).random_uniform(args, range, to);
  });
}

void fill_normal(RandomStream stream, std::uint64_t first, float* out, Index n, Isa isa) {
  fill(stream, first, out, n,
       [isa](const RandomArgs& args, float* to) { engine_kernels(isa).random_normal(args, to); });
}

// Values far apart are called into the cache before they are exchanged.
void shuffle(RandomStream stream, std::uint32_t* values, Index n, Isa isa) {
  constexpr Index kGroups = 16, kChunk = kGroups * 16;  // a group is of 16 picks
  std::int32_t picks[kChunk];
  for (Index chunk = n / kChunk; chunk >= 0; --chunk) {
    const Index first = chunk * kChunk, begin = std::max<Index>(first, 2),
                end = std::min(n + 1, first + kChunk);
    if (begin >= end) continue;
    engine_kernels(isa).random_picks(
        {stream.seed, stream.stream, static_cast<std::uint64_t>(chunk * kGroups), kGroups}, picks);
    for (Index i = begin; i < end; ++i) {
      std::int32_t& pick = picks[i - first];
      if (pick == kDrawAgain) [[unlikely]] {
        const auto range = static_cast<std::uint64_t>(i);
        pick = static_cast<std::int32_t>(static_cast<std::uint32_t>(uniform_below(stream, range, range)));
      }
      __builtin_prefetch(values + static_cast<std::uint32_t>(pick), 1);
    }
    for (Index i = end - 1; i >= begin; --i)
      std::swap(values[i - 1], values[static_cast<std::uint32_t>(picks[i - first])]);
  }
}

}  // namespace jsc
