// jsc-train compare: run folders side by side.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "apps/jsc_train/commands.hpp"
#include "apps/report/html.hpp"
#include "apps/settings/settings.hpp"
#include "apps/sweep/compare_runs.hpp"

namespace jsc {

namespace {

struct CompareCommand {
  std::vector<std::string> paths;
  std::string out;
  bool json = false;

  int run() const {
    const std::vector<ComparedRun> runs = read_runs(paths);
    const RunFolder folder = RunFolder::plan(out, "compare", "table.json");
    folder.make();
    folder.write("table.csv", comparison(runs, true).csv());
    folder.write("table.md", comparison(runs, false).markdown());
    folder.write("table.json", comparison_json(runs));
    std::vector<std::string> problems;
    draw(runs, folder, problems);
    folder.write("report.html", page(runs, problems));
    for (const std::string& problem : problems)
      fmt::print(stderr, "warning: a plot is missing: {}\n", problem);
    fmt::print("{}", json ? comparison_json(runs) : comparison(runs, false).to_terminal());
    if (!json) fmt::print("folder: {}\n", folder.path());
    return 0;
  }

 private:
  static void draw(const std::vector<ComparedRun>& runs, const RunFolder& folder,
                   std::vector<std::string>& problems) {
    const std::vector<NamedPlot> plots = comparison_plots(runs);
    std::vector<PlotScript> scripts;
    for (const NamedPlot& plot : plots) scripts.push_back(script_of(plot.plot));
    const std::vector<RenderedPlot> rendered = run_gnuplot(scripts);
    for (std::size_t i = 0; i < plots.size(); ++i) {
      const std::string problem = write_rendered(rendered[i], folder.file(plots[i].file + ".svg"));
      if (!problem.empty() && std::ranges::find(problems, problem) == problems.end())
        problems.push_back(problem);
    }
  }

  static std::string page(const std::vector<ComparedRun>& runs, std::vector<std::string>& problems) {
    Page page("Comparison", fmt::format("{} runs", runs.size()));
    page.section("What differs");
    page.text(
        "Settings that are the same in all runs are left out. The numbers are of each run's best epoch, the "
        "one of the smallest validation loss.");
    page.table(comparison(runs, false), {.caption = "Runs", .file = "table"});
    page.section("Curves");
    for (const NamedPlot& named : comparison_plots(runs)) add_plot(page, named);
    page.section("Folders");
    std::vector<Fact> facts;
    for (const ComparedRun& run : runs) facts.push_back({run.name, run.folder.path(), true});
    page.facts(facts);
    return page.html(problems);
  }
};

}  // namespace

Action add_compare(CLI::App& root) {
  CLI::App* app = root.add_subcommand("compare", "show runs side by side: what differs, what they found");
  app->footer(
      "Examples:\n"
      "  jsc-train compare runs/first runs/second\n"
      "  jsc-train compare runs/sweep_2026-11-26_1/trials/* --out runs/all\n"
      "  jsc-train compare runs/first runs/second --json\n"
      "The folder (--out) gets table.csv, table.md, table.json, the curves as SVG, and report.html.\n"
      "Settings that do not change a result (threads, cpu_mask, quiet) are not compared.");
  auto command = std::make_shared<CompareCommand>();
  app->add_option("runs", command->paths, "run folders, two or more")->type_name("");
  add_text_option(*app, "--out", command->out, "folder to write [runs/compare_DATE_N]");
  app->add_flag("--json", command->json, "print the comparison as JSON");
  return [command] { return command->run(); };
}

}  // namespace jsc
