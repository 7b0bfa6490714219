// A page that holds everything it shows: one HTML file without scripts and without anything from elsewhere,
// for screens of any width, light or dark, and for paper. Content comes in order, section by section; text is
// text, never markup, and is escaped here.
//
//   Page page("Training run", "jsc-toy");
//   page.figures({{"Test accuracy", "68.29 %"}, {"Parameters", "327"}});
//   page.section("Training");
//   page.plot(script_of(loss), numbers, {.caption = "Loss", .file = "loss"});
//   write_file("report.html", page.html());
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/report/gnuplot.hpp"
#include "apps/report/table.hpp"

namespace jsc {

// Text for element content and quoted attributes.
std::string escape_html(std::string_view text);

// Something that has a name and a value.
struct Fact {
  std::string name, value;
  bool code = false;  // shown as code: commands, hashes
};

struct TableLook {
  std::string caption{};                     // above the table
  std::string note{};                        // below it
  std::string file{};                        // download NAME.csv; none if empty
  std::vector<std::string> links{};          // where the first cell of each row leads ("" nowhere)
  std::vector<std::vector<double>> shade{};  // of each cell, from 0 (none) to 1, beside its number
};

enum class PlotSize { whole, half, third };  // of the page's width; phones show each as wide as they are

// The view boxes of plots for these sizes: no wider, so that letters can be read where they are shrunk to a
// phone.
inline constexpr int kHalfWidth = 470, kHalfHeight = 330, kThirdWidth = 360, kThirdHeight = 260;

struct PlotLook {
  std::string caption{};  // the plot's title in the page
  std::string note{};     // below it
  std::string file{};     // download of the numbers as NAME.csv
  PlotSize size = PlotSize::half;
};

class Page {
 public:
  // `kind` is what the page is of ("Training run"), `title` its subject.
  Page(std::string kind, std::string title);

  void section(std::string_view heading);
  void text(std::string_view paragraph);
  // Text as it stands in a file.
  void code(std::string_view text);
  // The last line of the page.
  void footer(std::string text) { footer_ = std::move(text); }
  // Few numbers, large.
  void figures(const std::vector<Fact>& figures);
  // A list of names and values.
  void facts(const std::vector<Fact>& facts);
  void table(const Table& table, const TableLook& look = {});
  // A plot and, folded below it, the numbers behind it. Where the plot cannot be drawn the page says why and
  // shows the numbers.
  void plot(PlotScript script, const Table& numbers, const PlotLook& look);

  // Draws the plots, all with one gnuplot. Reasons why some are missing are appended to `problems`, each
  // once.
  std::string html(std::vector<std::string>& problems) const;

 private:
  struct PlotBlock {
    PlotScript script;
    std::string numbers, download;  // HTML
    PlotLook look;
  };
  std::string kind_, title_, footer_;
  std::vector<std::string> sections_;
  std::vector<std::variant<std::string, PlotBlock>> blocks_;
};

}  // namespace jsc
