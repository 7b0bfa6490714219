#include "engine/random.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/kernels/kernels.hpp"

namespace jsc {

namespace {

constexpr Index kGroup = 64;  // positions that 16 blocks fill

constexpr std::uint64_t block_of(std::uint64_t position) {
  return position / 64 * 16 + position % 16;
}
constexpr std::size_t word_of(std::uint64_t position) {
  return position / 16 % 4;
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
    const auto word = philox_block(stream, position + (attempt << 56));
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{word[0] | (std::uint64_t{word[1]} << 32)} * n;
    const auto low = static_cast<std::uint64_t>(product);
    if (low >= n || low >= -n % n) return static_cast<std::uint64_t>(product >> 64);
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

void fill_permutation(RandomStream stream, std::uint32_t* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(i);
  for (Index i = n; i > 1; --i)
    std::swap(out[i - 1],
              out[uniform_below(stream, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i))]);
}

}  // namespace jsc
