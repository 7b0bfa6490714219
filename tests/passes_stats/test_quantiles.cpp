// Quantiles: exact against sorting, counted against the bound that the header states.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "graph/statistics/box.hpp"
#include "tests/passes_stats/random_values.hpp"

using namespace jsc;

namespace {

std::vector<float> heavy_tails(std::size_t n) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) {
    const float exponent = 20 * normal(generator);
    values.push_back((i % 2 == 0 ? 1.0F : -1.0F) * std::exp2(std::clamp(exponent, -140.0F, 120.0F)));
  }
  return values;
}

std::vector<float> subnormals(std::size_t n) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(i * 977)));
  return values;
}

std::vector<float> zeros_and_signs(std::size_t n) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(i % 3 == 0 ? 0.0F : i % 3 == 1 ? -0.0F : -1.5F);
  return values;
}

std::vector<float> ends_of_buckets(std::size_t n) {  // as far from the middles as can be
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(0x3f800000U + (i << 16) - i % 2)));
  return values;
}

double bound(double value) {
  return std::fabs(value) >= std::numeric_limits<float>::min() ? 0x1p-8 * std::fabs(value) : 0x1p-134;
}

}  // namespace

TEST_CASE("counted order statistics keep their error bound on any data") {
  for (const auto& values : {heavy_tails(3001), subnormals(3001), zeros_and_signs(3001), ends_of_buckets(301),
                             std::vector<float>{4.7F}}) {
    Quantiles counted(false), exact(true);
    counted.add(values.data(), static_cast<Index>(values.size()));
    exact.add(values.data(), static_cast<Index>(values.size()));
    std::vector<float> sorted = values;
    std::ranges::sort(sorted);
    const auto last = static_cast<double>(sorted.size() - 1);
    for (std::size_t rank = 0; rank < sorted.size(); ++rank) {
      // Rounding of q (n - 1) may fall short of the rank: take the quantile on its upper side.
      double q = last == 0 ? 0.0 : static_cast<double>(rank) / last;
      while (q * last < static_cast<double>(rank)) q = std::nextafter(q, 2.0);
      const double truth = sorted[rank];
      const double above = sorted[std::min(rank + 1, sorted.size() - 1)];
      const double found = counted.quantiles(std::vector<double>{q})[0];
      // What q's own rounding adds is 2^-40 of the gap to the neighbour.
      const double slack = 0x1p-40 * (std::fabs(above) + std::fabs(truth));
      REQUIRE(std::fabs(found - truth) <= bound(truth) + slack);
      REQUIRE(std::fabs(exact.quantiles(std::vector<double>{q})[0] - truth) <= slack);
    }
  }
}

TEST_CASE("counting keeps the ends, and the zeros, exactly") {
  const std::vector<float> values = heavy_tails(1000);
  Quantiles counted(false);
  counted.add(values.data(), 1000);
  const std::vector<double> ends = counted.quantiles(std::vector<double>{0, 1});
  CHECK(ends[0] == *std::ranges::min_element(values));
  CHECK(ends[1] == *std::ranges::max_element(values));

  const std::vector<float> zeros = zeros_and_signs(3000);
  Quantiles with_zeros(false);
  with_zeros.add(zeros.data(), 3000);
  CHECK(with_zeros.zeros() == 2000);
  CHECK(with_zeros.quantiles(std::vector<double>{0.5})[0] == 0);
  std::int64_t visited = 0;
  with_zeros.for_each([&](float, std::int64_t n) { visited += n; });
  CHECK(visited == 3000);
}

TEST_CASE("counts do not depend on the order of merging") {
  const std::vector<float> values = heavy_tails(3000);
  const auto part = [&](std::size_t i) {
    Quantiles counted(false);
    counted.add(values.data() + 1000 * i, 1000);
    return counted;
  };
  const std::vector<double> q = {0.025, 0.5, 0.975};
  Quantiles forward = part(0);
  forward.merge(part(1));
  forward.merge(part(2));
  Quantiles backward = part(2);
  backward.merge(part(1));
  backward.merge(part(0));
  CHECK(forward.quantiles(q) == backward.quantiles(q));
  CHECK(forward.count == 3000);
}

TEST_CASE("a range of quantiles uses counts above 2^20 values and stays within the bound") {
  const Tensor data = random_tensor(16, 66000, 8);  // 1,056,000 values
  const MetaValue table = {{"range_quantile", {{"quantile", 0.975}}}};
  const StatisticRequest request = parse_statistics(table, "test")[0];
  const auto result = [&](Index samples) {
    const auto statistic = request.make({{1, 16}, samples});
    statistic->add(columns(data, 0, samples));
    return statistic->result();
  };
  for (const Index samples : {65536, 66000}) {
    std::vector<float> sorted;
    for (Index r = 0; r < 16; ++r)
      sorted.insert(sorted.end(), data.view().row(r), data.view().row(r) + samples);
    std::ranges::sort(sorted);
    const double position = 0.975 * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const double truth = sorted[below] + (position - std::floor(position)) *
                                             (static_cast<double>(sorted[below + 1]) - sorted[below]);
    const double found = result(samples)["max"].get<double>();
    if (samples == 65536)
      CHECK(found == Approx(truth).epsilon(1e-14));
    else
      CHECK(std::fabs(found - truth) <= bound(truth) + std::fabs(truth) * 1e-6);
  }
}

TEST_CASE("a box tells zeros, quartiles and octaves of the magnitudes") {
  const float values[] = {0, -0.0F, 1, -1.5F, 2, -3, 4, 100, 0x1p-3F};
  BoxAccumulator accumulator({{9}, 1});
  accumulator.add({values, 9, 1, 1});
  const TensorBox box = accumulator.box("w");
  CHECK(box.count == 9);
  CHECK(box.zero_share == Approx(2.0 / 9));
  CHECK(box.min == 0.125);
  CHECK(box.q1 == 1.25);
  CHECK(box.median == 2);
  CHECK(box.q3 == 3.5);
  CHECK(box.max == 100);
  CHECK(box.first_octave == -3);
  CHECK(box.octaves == std::vector<std::int64_t>{1, 0, 0, 2, 2, 1, 0, 0, 0, 1});

  // Counted: the same octaves, as a bucket lies within one.
  BoxAccumulator counted({{9}, 1 << 20});
  counted.add({values, 9, 1, 1});
  CHECK(counted.box("w").octaves == box.octaves);
  CHECK(counted.box("w").max == 100);

  const float nothing[] = {0, 0};
  BoxAccumulator empty({{2}, 1});
  empty.add({nothing, 2, 1, 1});
  CHECK(empty.box("b").zero_share == 1);
  CHECK(empty.box("b").octaves.empty());
}
