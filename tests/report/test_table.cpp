#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "apps/report/format.hpp"
#include "apps/report/table.hpp"
#include "apps/report/terminal.hpp"
#include "engine/error.hpp"

using namespace jsc;

namespace {

Table sample() {
  Table table({"Name", "Parameters"}, {Align::left, Align::right});
  table.add_row({"linear_1", "1088"});
  table.add_row({"relu, \"in place\"", "0"});
  return table;
}

}  // namespace

TEST_CASE("a table is a box with a rule under the header") {
  CHECK(sample().text() ==
        "+------------------+------------+\n"
        "| Name             | Parameters |\n"
        "+==================+============+\n"
        "| linear_1         |       1088 |\n"
        "| relu, \"in place\" |          0 |\n"
        "+------------------+------------+\n");
}

TEST_CASE("a table without rows is its header") {
  CHECK(Table({"A"}).text() == "+---+\n| A |\n+===+\n");
}

TEST_CASE("a row with the wrong number of cells is an error") {
  Table table = sample();
  CHECK_THROWS_WITH(table.add_row({"one"}), "table row 3: expected 2 cells, found 1");
}

TEST_CASE("a table shrinks to the terminal: wide cells wrap at spaces") {
  Table table({"Name", "What it is"});
  table.add_row({"seed", "the number that every random stream is keyed by"});
  table.add_row({"a", "unbreakable_long_word"});
  CHECK(table.text(27) ==
        "+------+------------------+\n"
        "| Name | What it is       |\n"
        "+======+==================+\n"
        "| seed | the number that  |\n"
        "|      | every random     |\n"
        "|      | stream is keyed  |\n"
        "|      | by               |\n"
        "+------+------------------+\n"
        "| a    | unbreakable_long |\n"
        "|      | _word            |\n"
        "+------+------------------+\n");
  // Narrower than can be: every column keeps a few characters and no text is lost.
  CHECK_THAT(table.text(5), Catch::StartsWith("+------+------+\n"));
}

TEST_CASE("columns line up with wide, combining and broken characters") {
  CHECK(display_width("jet") == 3);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\xCC\x81") == 1);  // e and a combining accent
  CHECK(display_width("物理") == 4);
  CHECK(display_width("\xFF\xFE") == 2);  // not UTF-8
  CHECK(prefix_within("物理", 3) == std::string("物").size());
  Table table({"物理", "B"});
  table.add_row({"x", "1"});
  CHECK(table.text() == "+------+---+\n| 物理 | B |\n+======+===+\n| x    | 1 |\n+------+---+\n");
}

TEST_CASE("the same table as CSV, Markdown and JSON") {
  Table table = sample();
  CHECK(table.csv() == "Name,Parameters\nlinear_1,1088\n\"relu, \"\"in place\"\"\",0\n");
  table.add_row({"a|b\nc", "n/a"});
  CHECK(table.markdown() ==
        "| Name | Parameters |\n|---|---:|\n| linear_1 | 1088 |\n| relu, \"in place\" | 0 |\n| a\\|b<br>c | "
        "n/a "
        "|\n");
  const auto json = nlohmann::json::parse(table.json());
  REQUIRE(json.size() == 3);
  CHECK(json[0] == nlohmann::json{{"Name", "linear_1"}, {"Parameters", 1088}});
  CHECK(json[1]["Name"] == "relu, \"in place\"");
  CHECK(json[2]["Parameters"] == "n/a");
}

TEST_CASE("numbers are written for people") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_count(-123456) == "-123,456");
  CHECK(format_rate(12.34e6, "jets") == "12.3 M jets/s");
  CHECK(format_rate(999.6, "jets") == "1.00 k jets/s");
  CHECK(format_rate(2.5e9, "") == "2.50 G/s");
  CHECK(format_si(850) == "850");
  CHECK(format_rate(0, "jets") == "0.00 jets/s");
  CHECK(format_rate(1.0 / 0.0, "jets") == "? jets/s");
  CHECK(format_seconds(0.0504) == "50 ms");
  CHECK(format_seconds(12.34) == "12.3 s");
  CHECK(format_seconds(59.96) == "1 m 00 s");
  CHECK(format_seconds(65) == "1 m 05 s");
  CHECK(format_seconds(3599.7) == "1 h 00 m");
  CHECK(format_seconds(7380) == "2 h 03 m");
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(1536) == "1.50 KiB");
  CHECK(format_bytes(83 << 20) == "83.0 MiB");
}
