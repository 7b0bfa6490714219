// Splits and standardisation against vectors made by scikit-learn (tests/golden/make_data_golden.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/data/scaler.hpp"
#include "apps/data/split.hpp"

using namespace jsc;
using Rows = std::vector<std::uint32_t>;

namespace {

const nlohmann::json& golden() {
  static const nlohmann::json json = [] {
    std::ifstream file(JSC_PROJECT_ROOT "/tests/golden/data_golden.json");
    return nlohmann::json::parse(file);
  }();
  return json;
}

constexpr Index kRows = 1009, kFeatures = 5;

std::vector<float> golden_rows() {
  std::vector<float> x(kRows * kFeatures);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::size_t f = i % kFeatures;
    const double power[] = {0.1, 1, 10, 100, 1000};
    x[i] = f == 3 ? 0.1F
                  : static_cast<float>(static_cast<double>(state >> 40) / 0x1p24 * power[f] +
                                       static_cast<double>(f));
  }
  return x;
}

std::vector<double> hex_values(const nlohmann::json& list) {
  std::vector<double> values;
  for (const auto& text : list) values.push_back(std::strtod(text.get<std::string>().c_str(), nullptr));
  return values;
}

}  // namespace

TEST_CASE("the permutation is NumPy's for a MASE-sized data set") {
  const Split split = split_rows(986806, SplitMode::mase);
  CHECK(split.test.size() == 197362);
  CHECK(split.train.size() == 789444);
  const Rows test_head = {418822, 237221, 418335, 457483, 968997, 732622, 89745, 849701};
  const Rows train_head = {940679, 960940, 934282, 859837, 833890, 335616, 278184, 710230};
  const Rows train_tail = {365838, 131932, 671155, 121958};
  CHECK(Rows(split.test.begin(), split.test.begin() + 8) == test_head);
  CHECK(Rows(split.train.begin(), split.train.begin() + 8) == train_head);
  CHECK(Rows(split.train.end() - 4, split.train.end()) == train_tail);
}

TEST_CASE("twenty rows split as the specification of MASE says") {
  const Split split = split_rows(20, SplitMode::mase);
  CHECK(split.test == Rows{0, 17, 15, 1});
  CHECK(split.train == Rows{8, 5, 11, 3, 18, 16, 13, 2, 9, 19, 4, 12, 7, 10, 14, 6});
  CHECK(split.validation == split.train);
}

TEST_CASE("splits with a validation set equal two calls of train_test_split") {
  for (const auto& expected : golden()["splits"]) {
    const Split split = split_rows(expected["rows"].get<Index>());
    CHECK(split.train == expected["train"].get<Rows>());
    CHECK(split.validation == expected["validation"].get<Rows>());
    CHECK(split.test == expected["test"].get<Rows>());
  }
}

TEST_CASE("the parts of a split are disjoint and complete") {
  for (Index rows : {3, 4, 7, 64, 1000}) {
    const Split split = split_rows(rows);
    Rows all = split.train;
    all.insert(all.end(), split.validation.begin(), split.validation.end());
    all.insert(all.end(), split.test.begin(), split.test.end());
    std::sort(all.begin(), all.end());
    Rows expected(static_cast<std::size_t>(rows));
    std::iota(expected.begin(), expected.end(), 0U);
    CHECK(all == expected);
  }
}

TEST_CASE("too few rows for a split are refused") {
  for (Index rows : {0, 1, 2}) CHECK_THROWS_WITH(split_rows(rows), Catch::Contains("rows in all"));
  CHECK_NOTHROW(split_rows(3));
  CHECK_NOTHROW(split_rows(2, SplitMode::mase));
}

TEST_CASE("scaler constants and scaled values equal scikit-learn's to the bit") {
  std::vector<float> x = golden_rows();
  const Split split = split_rows(kRows, SplitMode::mase);
  const Scaler scaler = fit_scaler(x.data(), kFeatures, split.train);
  CHECK(scaler.mean == hex_values(golden()["mean"]));
  CHECK(scaler.scale == hex_values(golden()["scale"]));
  CHECK(scaler.scale[3] == 1.0);  // a constant feature

  std::vector<float> two = x;
  scaler.apply(x.data(), kRows, kFeatures, 1);
  scaler.apply(two.data(), kRows, kFeatures, 2);
  CHECK(x == two);
  const std::vector<double> z = hex_values(golden()["z"]);
  for (std::size_t i = 0; i < z.size(); ++i) CHECK(static_cast<double>(x[i]) == z[i]);
}

TEST_CASE("a scaler refuses other widths and no rows") {
  std::vector<float> x(10, 1.0F);
  const Rows rows = {0, 1};
  const Scaler scaler = fit_scaler(x.data(), 5, rows);
  CHECK_THROWS_WITH(scaler.apply(x.data(), 5, 2), "scaler: expected 5 features, found 2");
  CHECK_THROWS_WITH(fit_scaler(x.data(), 5, {}), Catch::Contains("at least one row"));
}
