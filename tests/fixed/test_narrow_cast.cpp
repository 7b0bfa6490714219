// The cast in 64 bits is the cast.
#include "quant/fixed/narrow_cast.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace jsc::fixed;

namespace {

bool same(std::int64_t raw, int fraction, const Format& format) {
  return NarrowCast(fraction, format)(raw) == static_cast<std::int64_t>(cast(raw, fraction, format));
}

template <class Visit>
void for_each_mode(Format format, const Visit& visit) {
  for (int rounding = 0; rounding < kRoundings; ++rounding)
    for (int overflow = 0; overflow < kOverflows; ++overflow)
      for (format.saturated_bits = 0; format.saturated_bits <= 2 && format.saturated_bits <= format.width;
           ++format.saturated_bits) {
        format.rounding = static_cast<Rounding>(rounding);
        format.overflow = static_cast<Overflow>(overflow);
        if (is_valid(format)) visit(format);
      }
}

}  // namespace

TEST_CASE("the narrow cast is the cast, for all numbers and formats of few bits") {
  std::int64_t differing = 0, numbers = 0;
  for (int width = 1; width <= 5; ++width)
    for (const bool is_signed : {true, false})
      for_each_mode({width, width, is_signed}, [&](const Format& format) {
        for (int fraction = -2; fraction <= 5; ++fraction)
          for (std::int64_t raw = -130; raw <= 130; ++raw, ++numbers)
            differing += same(raw, fraction, format) ? 0 : 1;
      });
  CHECK(numbers > 1000000);
  CHECK(differing == 0);
}

TEST_CASE("the narrow cast is the cast, up to its 64 bits") {
  std::mt19937_64 random(1);
  std::int64_t differing = 0;
  for (int round = 0; round < 300; ++round) {
    const int width = 1 + static_cast<int>(random() % 64);
    for_each_mode({width, width, random() % 2 == 0}, [&](const Format& format) {
      const int shift = static_cast<int>(random() % 132) - 62;
      std::int64_t raw = static_cast<std::int64_t>(random()) >> random() % 63;
      if (random() % 2 == 0 && shift > 0 && shift < 60)  // ties
        raw = (raw >> shift << shift) | (std::int64_t{1} << (shift - 1));
      if (random() % 16 == 0) raw = raw < 0 ? INT64_MIN : INT64_MAX;
      differing += same(raw, shift, format) ? 0 : 1;
    });
  }
  CHECK(differing == 0);
}
