// The emulator: the same bits for any cut of the rows and any thread count, and jets that look as they
// should.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "apps/data/emulator.hpp"
#include "apps/data/emulator_parameters.hpp"

using namespace jsc;

namespace {

std::vector<float> column(const Dataset& data, Index f) {
  std::vector<float> values;
  for (Index r = 0; r < data.rows; ++r) values.push_back(data.row(r)[f]);
  return values;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double n = static_cast<double>(a.size()), sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
  }
  return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

// FNV-1a over the bytes
std::uint64_t hash(const void* bytes, std::size_t size, std::uint64_t h = 0xcbf29ce484222325) {
  for (std::size_t i = 0; i < size; ++i)
    h = (h ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
  return h;
}

}  // namespace

TEST_CASE("the first thousand jets of seed 0 are the pinned ones") {
  const Dataset data = emulated_dataset(1000, 0, 1);
  CHECK(hash(data.x.get(), 16000 * sizeof(float)) == 0x3c0678a2afe9a4a1);
}

TEST_CASE("a jet depends on its seed and number only") {
  const Dataset all = emulated_dataset(3000, 7, 1);
  const Dataset two = emulated_dataset(3000, 7, 2);
  CHECK(std::memcmp(all.x.get(), two.x.get(), 3000 * 16 * sizeof(float)) == 0);
  CHECK(all.labels == two.labels);
  for (Index first : {1, 511, 512, 1303}) {
    std::vector<float> x(100 * 16);
    std::vector<std::int32_t> labels(100);
    emulate_jets(7, first, 100, 1, x.data(), labels.data());
    CHECK(std::memcmp(x.data(), all.row(first), x.size() * sizeof(float)) == 0);
    CHECK(std::equal(labels.begin(), labels.end(), all.labels.begin() + first));
  }
  const Dataset other = emulated_dataset(3000, 8, 1);
  CHECK(std::memcmp(all.x.get(), other.x.get(), 3000 * 16 * sizeof(float)) != 0);
}

TEST_CASE("emulated classes are equal, ties and integers are those of real jets") {
  const Dataset data = emulated_dataset(10000, 1, 2);
  for (std::int32_t label = 0; label < 5; ++label)
    CHECK(std::count(data.labels.begin(), data.labels.end(), label) == 2000);
  bool finite = true, tied = true, whole = true;
  for (Index r = 0; r < data.rows; ++r) {
    for (Index f = 0; f < 16; ++f) finite &= std::isfinite(data.row(r)[f]);
    tied &= data.row(r)[8] == data.row(r)[6];
    whole &= data.row(r)[15] == std::round(data.row(r)[15]);
  }
  CHECK(finite);
  CHECK(tied);
  CHECK(whole);
}

// The mixture was fitted so that its pooled scores are about normal: the quantiles of many jets lie near
// those of the real data. The fit saw 1,000 jets, hence the tolerance, which is in probability.
TEST_CASE("emulated quantiles follow the tables") {
  const Index rows = 200000;
  const Dataset data = emulated_dataset(rows, 0, 2);
  for (Index f = 0; f < 16; ++f) {
    std::vector<float> values = column(data, f);
    std::sort(values.begin(), values.end());
    const double slack = f == 15 ? 0.5 : 0.0;  // multiplicity is rounded
    const auto share_below = [&](double value) {
      const auto bound = std::lower_bound(values.begin(), values.end(), static_cast<float>(value));
      return static_cast<double>(bound - values.begin()) / static_cast<double>(rows);
    };
    double worst = 0;
    for (int l = 1; l + 1 < kEmulatorLevels; ++l) {
      const double table = kEmulatorMean[f] + kEmulatorScale[f] * kEmulatorQuantile[f][l];
      worst = std::max({worst, share_below(table - slack) - kEmulatorLevel[l],
                        kEmulatorLevel[l] - share_below(table + slack)});
    }
    INFO("feature " << data.feature_names[static_cast<std::size_t>(f)]);
    CHECK(worst < 0.04);
    const double lowest = kEmulatorMean[f] + kEmulatorScale[f] * kEmulatorQuantile[f][0];
    CHECK(static_cast<double>(values.front()) >= lowest - std::max(slack, 1e-5));
  }
}

TEST_CASE("emulated features are correlated as mass-like and shape-like observables are") {
  const Dataset data = emulated_dataset(50000, 3, 2);
  const auto c1_b1 = column(data, 2), c1_b2 = column(data, 3), mass = column(data, 14);
  CHECK(correlation(c1_b1, mass) > 0.8);
  CHECK(correlation(c1_b1, c1_b2) > 0.8);
  CHECK(correlation(column(data, 0), column(data, 15)) < -0.5);  // zlogz, multiplicity
}

TEST_CASE("senseless emulator sizes are refused") {
  CHECK_THROWS_WITH(emulated_dataset(0, 0, 1), Catch::Contains("found 0"));
  CHECK_THROWS_WITH(load_dataset("emulated:12x"), Catch::Contains("expected emulated[:ROWS[:SEED]]"));
  CHECK_THROWS_WITH(load_dataset("emulated:"), Catch::Contains("found ''"));
  CHECK(load_dataset("emulated:70:5").rows == 70);
}
