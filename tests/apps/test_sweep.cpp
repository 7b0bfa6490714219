#include <catch2/catch.hpp>

#include "apps/sweep/sweep_plan.hpp"
#include "apps/sweep/sweep_table.hpp"
#include "apps/sweep/value_list.hpp"

using namespace jsc;

namespace {

using Values = std::vector<std::string>;

Values integers(const std::string& text) {
  return parse_values(text, Settings::Kind::integer, ',', "--n");
}

Values numbers(const std::string& text) {
  return parse_values(text, Settings::Kind::number, ',', "--x");
}

std::map<std::string, GivenList> lists(const std::map<std::string, std::string>& given) {
  TrainSettings settings;
  settings.model = "jsc-tiny";
  Settings table;
  settings.add_to(table);
  std::map<std::string, std::string> texts;
  const Settings form = table.list_form(texts, unswept_settings());
  std::map<std::string, GivenList> result;
  for (const auto& [key, text] : texts)
    result[key] = {given.contains(key) ? given.at(key) : text, "--" + key};
  return result;
}

SweepPlan plan(const std::map<std::string, std::string>& given, bool paired = false, std::int64_t seeds = 0) {
  return make_plan(lists(given), {}, paired, seeds);
}

}  // namespace

TEST_CASE("lists and ranges of a swept option") {
  CHECK(integers("64, 128,256") == Values{"64", "128", "256"});
  CHECK(integers("10:50:10") == Values{"10", "20", "30", "40", "50"});
  CHECK(integers("10:45:10") == Values{"10", "20", "30", "40"});
  CHECK(integers("0:3") == Values{"0", "1", "2", "3"});
  CHECK(integers("5:5") == Values{"5"});
  CHECK(integers("32:1024:log6") == Values{"32", "64", "128", "256", "512", "1024"});
  CHECK(integers("1:2,8:10") == Values{"1", "2", "8", "9", "10"});
  CHECK(numbers("1e-5:1e-1:log5") == Values{"1e-5", "0.0001", "0.001", "0.01", "1e-1"});
  CHECK(numbers("1:10:log3") == Values{"1", "3.16228", "10"});
  CHECK(numbers("0:0.4:lin5") == Values{"0", "0.1", "0.2", "0.3", "0.4"});
  CHECK(numbers("0.1:0.3:0.1") == Values{"0.1", "0.2", "0.3"});
  CHECK(parse_values("a:b:c,d", Settings::Kind::text, ',', "") == Values{"a:b:c", "d"});
  CHECK(parse_values("X.npy,y.npy;b.csv", Settings::Kind::text, ';', "") == Values{"X.npy,y.npy", "b.csv"});
}

TEST_CASE("a grid has every combination, the last option fastest, seeds fastest of all") {
  const SweepPlan grid = plan({{"batch_size", "64,128"}, {"learning_rate", "0.1,0.2,0.3"}}, false, 2);
  REQUIRE(grid.trials.size() == 12);
  CHECK(grid.describe(grid.trials[0], true) == "batch_size=64 learning_rate=0.1 seed=0");
  CHECK(grid.describe(grid.trials[1], true) == "batch_size=64 learning_rate=0.1 seed=1");
  CHECK(grid.describe(grid.trials[2], true) == "batch_size=64 learning_rate=0.2 seed=0");
  CHECK(grid.trials[11].settings.batch_size == 128);
  CHECK(grid.trials[11].settings.learning_rate == 0.3);
  CHECK(grid.trials[11].settings.seed == 1);
  CHECK(grid.trials[11].name == "12_batch_size=128_learning_rate=0.3_seed=1");
}

TEST_CASE("a plan written as TOML is the same plan") {
  const SweepPlan grid = plan({{"batch_size", "64,128"}, {"data", "emulated:100;emulated:200"}}, false, 2);
  CHECK(grid.to_toml().find("batch_size = [64, 128]\n") != std::string::npos);
  CHECK(grid.to_toml().find("data = 'emulated:100;emulated:200'\n") != std::string::npos);
  CHECK(grid.to_toml().find("seed = [0, 1]\n") != std::string::npos);
  CHECK(plan_difference(grid.to_toml(), grid.to_toml()).empty());
  const SweepPlan other = plan({{"batch_size", "64"}, {"data", "emulated:100;emulated:200"}}, false, 2);
  CHECK(plan_difference(grid.to_toml(), other.to_toml()) == "batch_size: [64, 128] there, 64 here");
}

TEST_CASE("trials begin with shorter ones only where the schedule does not look ahead") {
  const auto beginnings = [](const SweepPlan& p) {
    std::vector<int> list;
    for (const Trial& trial : p.trials) list.push_back(trial.begins_with);
    return list;
  };
  for (const char* scheduler : {"constant", "step"}) {
    const SweepPlan p =
        plan({{"max_epochs", "30,10,20"}, {"scheduler", scheduler}, {"batch_size", "64,128"}});
    // In the order of the plan: 30/64, 30/128, 10/64, 10/128, 20/64, 20/128.
    CHECK(beginnings(p) == std::vector<int>{4, 5, -1, -1, 2, 3});
  }
  for (const char* scheduler : {"cosine", "one-cycle"})
    CHECK(beginnings(plan({{"max_epochs", "10,20"}, {"scheduler", scheduler}})) == std::vector<int>{-1, -1});
}

TEST_CASE("mean and sample deviation") {
  const MeanAndDeviation three = mean_and_deviation({1, 2, 6});
  CHECK(three.mean == 3);
  CHECK(three.deviation == Approx(std::sqrt(7.0)));
  CHECK(mean_and_deviation({5}).deviation == 0);
  CHECK(mean_and_deviation({}).count == 0);
}
