#include <catch2/catch.hpp>

#include <CLI/CLI.hpp>

#include "apps/settings/settings.hpp"
#include "apps/support/atomic_file.hpp"
#include "engine/error.hpp"
#include "engine/nearest.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;

namespace {

struct Sample {
  std::string name = "a", names;
  std::int64_t count = 3;
  double rate = 0.5;
  bool on = true;
  Settings settings;
  CLI::App app;

  Sample() {
    settings.add("name", &name, "").choices({"a", "b"}).alias("old_name");
    settings.add("count", &count, "").range(1, 10);
    settings.add("rate", &rate, "").range({0, 1, true, false});
    settings.add("on", &on, "");
    settings.add("names", &names, "").array();
    settings.add_flags(app);
  }
  void parse(const std::string& flags) {
    app.parse(flags);
    settings.resolve();
  }
};

}  // namespace

TEST_CASE("flags override the config file, which overrides the default") {
  const TemporaryFolder folder;
  write_file(folder / "c.toml", "count = 5\nrate = 0.25\n");
  Sample s;
  s.settings.read_config(folder / "c.toml");
  s.parse("--count 7");
  CHECK(s.name == "a");
  CHECK(s.rate == 0.25);
  CHECK(s.count == 7);
  const auto row = s.settings.rows()[1];
  CHECK(row.default_value == "3");
  CHECK(row.config_value == "5");
  CHECK(row.flag_value == "7");
  CHECK(row.effective == "7");
}

TEST_CASE("a flag that names the default still overrides the config file") {  // MASE's Q-6
  const TemporaryFolder folder;
  write_file(folder / "c.toml", "count = 5\n");
  Sample s;
  s.settings.read_config(folder / "c.toml");
  s.parse("--count 3");
  CHECK(s.count == 3);
}

TEST_CASE("the last of repeated flags counts, and switches can be turned off") {
  Sample s;
  s.parse("--count 4 --count 6 --no-on");
  CHECK(s.count == 6);
  CHECK_FALSE(s.on);
}

TEST_CASE("effective values written as TOML read back to the same values") {
  const TemporaryFolder folder;
  Sample a;
  a.parse("--rate 0.1 --name b --no-on");
  write_file(folder / "c.toml", a.settings.to_toml());
  Sample b;
  b.settings.read_config(folder / "c.toml");
  b.settings.resolve();
  CHECK(b.rate == 0.1);
  CHECK(b.name == "b");
  CHECK_FALSE(b.on);
}

TEST_CASE("what neither a flag nor the file sets is inherited from the file of another command") {
  const TemporaryFolder folder;
  write_file(folder / "c.toml", "count = 5\n");
  write_file(folder / "run.toml", "count = 6\nrate = 0.25\non = false\nname = \"b\"\nother = 1\n");
  Sample s;
  s.settings.read_config(folder / "c.toml");
  s.parse("--on");
  CHECK(s.settings.is_set("on"));
  CHECK_FALSE(s.settings.is_set("rate"));
  s.settings.inherit(folder / "run.toml", {"count", "rate", "on", "names"});
  CHECK(s.count == 5);
  CHECK(s.rate == 0.25);
  CHECK(s.on);
  CHECK(s.name == "a");
  write_file(folder / "run.toml", "\nrate = \"0.25\"\n");
  CHECK_THROWS_WITH(
      s.settings.inherit(folder / "run.toml", {"rate"}),
      Catch::Contains("line 2: 'rate': expected a number above 0 and at most 1, found the string"));
}

TEST_CASE("wrong values name where, what was expected and what was found") {
  const auto flags = [](const std::string& text) {
    Sample s;
    s.parse(text);
  };
  CHECK_THROWS_WITH(flags("--count 11"), "--count: expected a number from 1 to 10, found 11");
  CHECK_THROWS_WITH(flags("--count x"), "--count: expected an integer from 1 to 10, found 'x'");
  CHECK_THROWS_WITH(flags("--count 2.5"), Catch::Contains("expected an integer"));
  CHECK_THROWS_WITH(flags("--rate 0"), "--rate: expected a number above 0 and at most 1, found 0");
  CHECK_THROWS_WITH(flags("--rate nan"), Catch::Contains("found 'nan'"));
  CHECK_THROWS_WITH(flags("--name c"), Catch::Contains("expected one of a, b, found 'c'"));

  const TemporaryFolder folder;
  const auto config = [&](const std::string& text) {
    write_file(folder / "c.toml", text);
    Sample s;
    s.settings.read_config(folder / "c.toml");
    s.settings.resolve();
  };
  CHECK_THROWS_WITH(config("\ncuont = 3"),
                    Catch::Contains("line 2: 'cuont' is not a setting: did you mean 'count'?"));
  CHECK_THROWS_WITH(config("count = \"many\""), Catch::Contains("line 1: 'count': expected an integer"));
  CHECK_THROWS_WITH(config("name = \"a\"\nold_name = \"b\""), Catch::Contains("set twice"));
  CHECK_THROWS_WITH(config("names = [1, {}]"), Catch::Contains("expected a string, a number, true or false"));
  CHECK_THROWS_WITH(config("names = [1, [2]]"),
                    Catch::Contains("expected a list of values, found a list in it"));
  CHECK_THROWS_WITH(config("on = 1"), Catch::Contains("expected true or false, found '1'"));
  CHECK_NOTHROW(config("names = [1, 2]"));
  CHECK_THROWS_WITH(
      config("count = \"7\""),
      Catch::Contains("line 1: 'count': expected an integer from 1 to 10, found the string '7'"));
  CHECK_THROWS_WITH(config("count = 7.0"), Catch::Contains("expected an integer from 1 to 10, found '7'"));
  CHECK_THROWS_WITH(config("count = [7]"), Catch::Contains("expected an integer from 1 to 10, found a list"));
  CHECK_THROWS_WITH(config("rate = \"0.5\""), Catch::Contains("found the string '0.5'"));
  CHECK_THROWS_WITH(config("on = \"true\""),
                    Catch::Contains("expected true or false, found the string 'true'"));
  CHECK_THROWS_WITH(config("name = [\"a\"]"), Catch::Contains("expected a string, found a list"));
  CHECK_THROWS_WITH(config("names = 3"), Catch::Contains("expected a string, found '3'"));
  CHECK_THROWS_WITH(config("count = "), Catch::Contains("line 1"));
}

TEST_CASE("the nearest name is offered, or all names when none is near") {
  const std::string_view names[] = {"linear", "relu", "batch_norm"};
  CHECK(nearest("linaer", names) == "linear");
  CHECK(nearest("batchnorm", names) == "batch_norm");
  CHECK(nearest("zzz", names).empty());
  CHECK(suggestion("rleu", names) == ": did you mean 'relu'?");
  CHECK(suggestion("zzz", names) == " (known: linear, relu, batch_norm)");
}

TEST_CASE("keys for others are left alone and named, and NA is no value") {
  const TemporaryFolder folder;
  write_file(folder / "c.toml", "project = 'p'\ncount = 'NA'\naccelerator = 'gpu'\nname = 'b'\n[passes.x]\n");
  Sample s;
  CHECK(s.settings.read_config(folder / "c.toml", {"passes"}, {"accelerator", "project", "nodes"}) ==
        std::vector<std::string>{"project", "accelerator"});
  s.parse("");
  CHECK(s.count == 3);
  CHECK(s.name == "b");
  write_file(folder / "d.toml", "acelerator = 'gpu'\n");
  Sample t;
  CHECK_THROWS_WITH(t.settings.read_config(folder / "d.toml", {}, {"accelerator"}),
                    Catch::Contains("line 1: 'acelerator' is not a setting: did you mean 'accelerator'?"));
}
