// The random streams: Random123's known answers, every path the same bits, and the distributions.
#include "engine/random.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "tests/engine/exercised.hpp"

using namespace jsc;

TEST_CASE("Philox4x32-10 gives Random123's known answers") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox_block({0, 0}, 0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox_block({~0ULL, ~0ULL}, ~0ULL) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox_block({0x299f31d0a4093822, 0x0370734413198a2e}, 0x85a308d3243f6a88) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("the value at a position depends on nothing but seed, stream and position") {
  const RandomStream stream{0x0123456789abcdef, 0xfedcba9876543210};
  const Index n = 1000;
  // Across the carry of the block number into its high word too.
  for (std::uint64_t base : {std::uint64_t{0}, (std::uint64_t{1} << 34) - 320}) {
    std::vector<std::uint32_t> words(n);
    std::vector<float> normals(n);
    fill_words(stream, base, words.data(), n, Isa::portable);
    fill_normal(stream, base, normals.data(), n, Isa::portable);
    for (Index i = 0; i < n; ++i)
      REQUIRE(words[static_cast<std::size_t>(i)] ==
              random_word(stream, base + static_cast<std::uint64_t>(i)));
    for (Isa isa : supported_isas())
      for (Index first : {0, 1, 63, 64, 65, 130})
        for (Index count : {1, 2, 63, 64, 65, 127, 128, 300}) {
          INFO(isa_name(isa) << ", first " << first << ", count " << count);
          const auto size = static_cast<std::size_t>(count);
          const std::uint64_t position = base + static_cast<std::uint64_t>(first);
          std::vector<std::uint32_t> w(size + 1, 77);
          std::vector<float> u(size + 1, 77.0F), z(size + 1, 77.0F);
          fill_words(stream, position, w.data(), count, isa);
          fill_uniform(stream, position, 0.0F, 1.0F, u.data(), count, isa);
          fill_normal(stream, position, z.data(), count, isa);
          bool same = w[size] == 77 && u[size] == 77.0F && z[size] == 77.0F;
          for (std::size_t i = 0; i < size; ++i)
            same = same && w[i] == words[static_cast<std::size_t>(first) + i] &&
                   u[i] == uniform01(stream, position + i) &&
                   z[i] == normals[static_cast<std::size_t>(first) + i];
          REQUIRE(same);
        }
  }
  for (Isa isa : supported_isas())
    exercised(isa, {"random_words", "random_picks", "random_uniform", "random_normal"});
}

TEST_CASE("uniform numbers fill their half-open interval evenly") {
  const Index n = 1 << 22;
  std::vector<float> u(n);
  fill_uniform({1, 2}, 0, -3.0F, 5.0F, u.data(), n);
  CHECK(*std::min_element(u.begin(), u.end()) >= -3.0F);
  CHECK(*std::max_element(u.begin(), u.end()) < 5.0F);
  double mean = 0.0;
  std::vector<double> bins(256);
  for (float value : u) {
    mean += value / static_cast<double>(n);
    bins[static_cast<std::size_t>((value + 3.0F) * 32.0F)] += 1.0;
  }
  CHECK(std::abs(mean - 1.0) < 5.0 * 8.0 / std::sqrt(12.0 * n));
  double chi2 = 0.0;
  for (double count : bins) chi2 += (count - n / 256.0) * (count - n / 256.0) / (n / 256.0);
  CHECK(std::abs(chi2 - 255.0) < 5.0 * std::sqrt(2.0 * 255.0));
  // Rounding could reach the upper end where the interval is narrow.
  fill_uniform({1, 2}, 0, 1.0F, 1.0F + 0x1p-22F, u.data(), n);
  CHECK(*std::max_element(u.begin(), u.end()) < 1.0F + 0x1p-22F);
}

TEST_CASE("normal numbers have the moments, the distribution and the tails of the normal law") {
  const Index n = 1 << 23;
  std::vector<float> z(n);
  fill_normal({3, 4}, 0, z.data(), n);
  double sums[5] = {}, neighbors = 0.0;
  std::map<double, double> tail = {{3.0, 0}, {4.0, 0}, {4.5, 0}, {-3.0, 0}, {-4.0, 0}, {-4.5, 0}};
  for (Index i = 0; i < n; ++i) {
    const double value = z[static_cast<std::size_t>(i)];
    double power = 1.0;
    for (double& sum : sums) {
      sum += power / static_cast<double>(n);
      power *= value;
    }
    // Position i and i + 16 come from one pair of words.
    if (i + 16 < n) neighbors += value * z[static_cast<std::size_t>(i) + 16] / static_cast<double>(n);
    for (auto& [threshold, count] : tail)
      if (threshold > 0 ? value > threshold : value < threshold) count += 1.0;
  }
  const double sigma = 1.0 / std::sqrt(static_cast<double>(n));
  CHECK(std::abs(sums[1]) < 5.0 * sigma);
  CHECK(std::abs(sums[2] - 1.0) < 5.0 * std::sqrt(2.0) * sigma);
  CHECK(std::abs(sums[3]) < 5.0 * std::sqrt(15.0) * sigma);
  CHECK(std::abs(sums[4] - 3.0) < 5.0 * std::sqrt(96.0) * sigma);
  CHECK(std::abs(neighbors) < 5.0 * sigma);
  for (const auto& [threshold, count] : tail) {
    const double expected = static_cast<double>(n) * 0.5 * std::erfc(std::abs(threshold) / std::sqrt(2.0));
    CAPTURE(threshold, count, expected);
    CHECK(std::abs(count - expected) < 5.0 * std::sqrt(expected));
  }
  std::sort(z.begin(), z.end());
  double distance = 0.0;  // Kolmogorov-Smirnov
  for (Index i = 0; i < n; ++i) {
    const double exact = 0.5 * std::erfc(-z[static_cast<std::size_t>(i)] / std::sqrt(2.0));
    distance = std::max(distance, std::abs(exact - (static_cast<double>(i) + 0.5) / static_cast<double>(n)));
  }
  CHECK(distance < 2.0 * sigma);  // exceeded with probability 7e-4
}

TEST_CASE("bounded integers are even over their range") {
  const int n = 200000;
  for (std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7}, std::uint64_t{100}}) {
    std::vector<double> counts(bound);
    for (int i = 0; i < n; ++i) counts[uniform_below({5, 6}, static_cast<std::uint64_t>(i), bound)] += 1.0;
    const double expected = n / static_cast<double>(bound);
    double chi2 = 0.0;
    for (double count : counts) chi2 += (count - expected) * (count - expected) / expected;
    CHECK(std::abs(chi2 - static_cast<double>(bound - 1)) <=
          5.0 * std::sqrt(2.0 * static_cast<double>(bound)));
  }
  // A bound of 3/4 of the range: without rejection a third of the values would come twice as often.
  const std::uint64_t wide = std::uint64_t{3} << 62;
  int thirds[3] = {};
  for (std::uint64_t i = 0; i < 30000; ++i) {
    const std::uint64_t value = uniform_below({5, 7}, i, wide);
    REQUIRE(value < wide);
    ++thirds[value % 3];
  }
  for (int count : thirds) CHECK(std::abs(count - 10000) < 5 * 82);
}

TEST_CASE("a shuffle exchanges as Fisher and Yates do, on every ISA") {
  for (Index n : {0, 1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 10007}) {
    std::vector<std::uint32_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 5U);
    for (Index i = n; i > 1; --i)
      std::swap(
          expected[static_cast<std::size_t>(i - 1)],
          expected[uniform_below({9, 1}, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i))]);
    for (Isa isa : supported_isas()) {
      std::vector<std::uint32_t> found(static_cast<std::size_t>(n));
      std::iota(found.begin(), found.end(), 5U);
      shuffle({9, 1}, found.data(), n, isa);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("a shuffle keeps every value and gives every order equally often") {
  std::vector<std::uint32_t> p(10007), sorted(10007);
  std::iota(p.begin(), p.end(), 0U);
  shuffle({9, 1}, p.data(), 10007);
  std::iota(sorted.begin(), sorted.end(), 0U);
  CHECK(p != sorted);
  std::sort(p.begin(), p.end());
  CHECK(p == sorted);

  std::map<std::vector<std::uint32_t>, double> orders;
  const int n = 24000;
  for (int i = 0; i < n; ++i) {
    std::vector<std::uint32_t> four = {0, 1, 2, 3};
    shuffle({10, static_cast<std::uint64_t>(i)}, four.data(), 4);
    orders[four] += 1.0;
  }
  CHECK(orders.size() == 24);
  double chi2 = 0.0;
  for (const auto& [order, count] : orders) chi2 += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(std::abs(chi2 - 23.0) < 5.0 * std::sqrt(46.0));
}
