// What jsc-train transform is made of: the tables of its file, the rows that passes see, files and pictures.
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "apps/data/emulator.hpp"
#include "apps/models/model.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/child_process.hpp"
#include "apps/transform/inputs.hpp"
#include "apps/transform/range_plots.hpp"
#include "apps/transform/run_passes.hpp"
#include "graph/edit.hpp"
#include "graph/modules.hpp"
#include "graph/state_dict.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

Graph tiny() {
  Graph graph = build_model(find_model("jsc-tiny"), 16, 5);
  graph.initialize(42);
  return graph;
}

std::vector<float> first_rows(const InputGenerator& input, Index first, Index rows) {
  auto block = make_aligned<float>(input.features() * 1024);
  const Matrix x{block.get(), input.features(), rows, 1024};
  input.fill(first, x);
  std::vector<float> values;
  for (Index f = 0; f < x.rows; ++f)
    for (Index i = 0; i < rows; ++i) values.push_back(x(f, i));
  return values;
}

DataSettings emulated(const std::string& spec) {
  DataSettings settings;
  settings.data = spec;
  return settings;
}

PassResult break_the_graph(Graph& graph, const PassArguments&) {
  graph.nodes[2].inputs = {4};
  return {};
}

PassResult clip(Graph& graph, const PassArguments& arguments) {
  swap_module(graph, "seq_blocks.3",
              std::make_shared<Hardtanh>(0.0, arguments.options["most"].get<double>()));
  PassResult result;
  result.changed = {"seq_blocks_3"};
  return result;
}

std::string saved(const TemporaryFolder& folder, const std::string& name, const std::string& text) {
  write_file(folder / name, text);
  return folder / name;
}

// Transforms of the tests' own, joined to the graph's passes as another library's list is.
std::vector<Pass> more_passes() {
  std::vector<Pass> passes(graph_passes().begin(), graph_passes().end());
  passes.push_back({"clip", PassKind::transform, "", {{"most", "number", "4", ""}}, clip});
  passes.push_back({"break_the_graph", PassKind::transform, "", {}, break_the_graph});
  return passes;
}

}  // namespace

TEST_CASE("passes run in the order of the file, and NA is null inside lists too") {
  const TemporaryFolder folder;
  const std::string path = saved(folder, "t.toml", R"([passes.report_node_type]
[passes.profile_statistics.activation_statistics.range_quantile]
dims = "NA"
[passes.count_operations]
[passes.profile_statistics]
by = "name"
target_activation_nodes = ["NA", "x"]
[passes.add_common_metadata]
batch_size = "NA"
)");
  const auto calls = read_passes(path);
  std::vector<std::string_view> names;
  for (const PassCall& call : calls) names.push_back(call.pass->name);
  CHECK(names == std::vector<std::string_view>{"report_node_type", "profile_statistics", "count_operations",
                                               "add_common_metadata"});
  CHECK(calls[1].options["target_activation_nodes"] == MetaValue({nullptr, "x"}));
  CHECK(calls[1].options["activation_statistics"]["range_quantile"]["dims"].is_null());
  CHECK(calls[1].options["num_samples"] == 512);  // the default
  CHECK(calls[3].options["batch_size"] == 8);     // null where null is no value: the default
  CHECK(calls[2].where == fmt::format("config '{}', line 4", path));
}

TEST_CASE("passes written as TOML read back the same, in the same order") {
  const TemporaryFolder folder;
  const std::vector<Pass> passes = more_passes();
  const auto calls = read_passes(saved(folder, "a.toml", R"([passes.report_graph]
file_name = 'a "b" \c'
[passes.clip]
[passes.profile_statistics]
by = "type"
target_weight_nodes = ["linear", "NA"]
[passes.profile_statistics.weight_statistics.variance_precise]
dims = [0, 1]
[passes.profile_statistics.weight_statistics.abs_mean]
)"),
                                 passes);
  const std::string toml = passes_to_toml(calls);
  const auto again = read_passes(saved(folder, "b.toml", toml), passes);
  REQUIRE(again.size() == calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(again[i].pass == calls[i].pass);
    CHECK(again[i].options == calls[i].options);
  }
  CHECK(passes_to_toml(again) == toml);
}

TEST_CASE("a file of passes is refused with its line and the nearest name") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text) { read_passes(saved(folder, "t.toml", text)); };
  CHECK_THROWS_WITH(read("\n[passes.reprt_graph]\n"),
                    Contains("line 2: there is no pass 'reprt_graph': did you mean 'report_graph'?"));
  CHECK_THROWS_WITH(read("[passes.prune.weight]\nscope = 'local'\n"),
                    Contains("line 1: pass 'prune' is not available in this build"));
  CHECK_THROWS_WITH(
      read("[passes.report_graph]\n[passes.report_node_meta_param]\nwhch = ['all']\n"),
      Contains("line 2: pass report_node_meta_param: unknown key 'whch': did you mean 'which'?"));
  CHECK_THROWS_WITH(read("[passes.profile_statistics]\n"), Contains("needs the key 'by'"));
  CHECK_THROWS_WITH(read("[passes.profile_statistics]\nby = 'NA'\n"), Contains("needs the key 'by'"));
  CHECK_THROWS_WITH(read("[passes.add_common_metadata]\nbatch_size = 'x'\n"),
                    Contains("'batch_size' should be an integer, found \"x\""));
  CHECK_THROWS_WITH(read("[passes]\nreport_graph = 1\n"), Contains("passes.report_graph should be a table"));
  CHECK_THROWS_WITH(read("model = 'jsc-tiny'\n"), Contains("expected [passes.NAME] tables"));
  CHECK_THROWS_WITH(read("[passes.report_graph\n"), Contains("line 1"));
}

TEST_CASE("passes see the rows of a split, scaled as training scales them") {
  const PreparedData data = prepare_data(emulated("emulated:3000:5"), {}, 1, true);
  const TransformInput test = open_input(emulated("emulated:3000:5"), "test", {}, {}, true);
  REQUIRE(test.rows->rows() == 600);
  const std::vector<float> block = first_rows(*test.rows, 130, 300);
  for (std::size_t i = 0; i < 300; ++i)
    for (std::size_t f = 0; f < 16; ++f)
      REQUIRE(block[f * 300 + i] == data.data.row(data.split.test[130 + i])[static_cast<std::ptrdiff_t>(f)]);
  CHECK(open_input(emulated("emulated:3000:5"), "train", {}, {}, true).rows->rows() == 2160);
  CHECK(open_input(emulated("emulated:3000:5"), "validation", {}, {}, true).rows->rows() == 240);
}

TEST_CASE("jets emulated on the fly are those of the data in memory, to the bit") {
  const PreparedData data = prepare_data(emulated("emulated:3000:5"), {}, 1, true);
  const TransformInput streamed = open_input(emulated("emulated:3000:5"), "all", {}, {}, true);
  CHECK(streamed.data == nullptr);
  CHECK(streamed.scaler.mean == data.scaler.mean);
  CHECK(streamed.scaler.scale == data.scaler.scale);
  REQUIRE(streamed.rows->rows() == 3000);
  for (const auto& [first, rows] : std::vector<std::pair<Index, Index>>{{0, 1}, {511, 513}, {2999, 1}}) {
    const std::vector<float> block = first_rows(*streamed.rows, first, rows);
    for (Index i = 0; i < rows; ++i)
      for (Index f = 0; f < 16; ++f)
        REQUIRE(block[static_cast<std::size_t>(f * rows + i)] == data.data.row(first + i)[f]);
  }
}

TEST_CASE("a checkpoint's scaler and names decide over emulated jets, too") {
  Expectation expected;
  expected.scaler = Scaler{std::vector<double>(16, 1.0), std::vector<double>(16, 2.0)};
  const TransformInput streamed = open_input(emulated("emulated:100:1"), "all", expected, {}, true);
  const Dataset raw = emulated_dataset(100, 1, 1);
  const std::vector<float> block = first_rows(*streamed.rows, 7, 1);
  for (Index f = 0; f < 16; ++f)
    CHECK(block[static_cast<std::size_t>(f)] ==
          static_cast<float>(static_cast<double>(static_cast<float>(raw.row(7)[f] - 1.0)) / 2.0));
  // Other columns, or columns in another order: the data are brought into memory and chosen from.
  expected = {};
  expected.feature_names = {"multiplicity", "zlogz"};
  const TransformInput chosen = open_input(emulated("emulated:100:1"), "all", expected, {}, true);
  CHECK(chosen.data != nullptr);
  CHECK(chosen.rows->features() == 2);
  CHECK(chosen.rows->rows() == 100);
}

TEST_CASE("a transform that changes the graph says what it changed and leaves its metadata") {
  const TemporaryFolder temporary;
  const std::vector<Pass> passes = more_passes();
  const TransformInput input = open_input(emulated("emulated:100:1"), "all", {}, {}, true);
  PassesToRun run;
  run.input = input.rows.get();
  run.quiet = true;
  run.calls =
      read_passes(saved(temporary, "t.toml", "[passes.clip]\nmost = 2\n[passes.report_graph]\n"), passes);
  Graph graph = tiny();
  const RunFolder folder = RunFolder::plan(temporary / "out", "");
  std::vector<std::string> shown;
  const auto runs =
      run_passes(graph, run, folder, [&](const PassRun& pass) { shown.push_back(plain_text(pass)); });
  CHECK(shown[0] == "changed: seq_blocks_3\n");
  CHECK_THAT(shown[1], Contains("Hardtanh(min_val=0.0, max_val=2.0)"));
  CHECK(runs[1].files == std::vector<std::string>{"02_report_graph.txt", "02_report_graph.json"});
  CHECK(std::filesystem::exists(folder.file("transformed_ckpt/node_meta_param.toml")));
}

TEST_CASE("a transform that leaves an unsound graph is an error that names place, node and rule") {
  const TemporaryFolder temporary;
  const std::vector<Pass> passes = more_passes();
  const TransformInput input = open_input(emulated("emulated:100:1"), "all", {}, {}, true);
  PassesToRun run;
  run.input = input.rows.get();
  run.quiet = true;
  run.calls = read_passes(saved(temporary, "t.toml", "[passes.break_the_graph]\n"), passes);
  Graph graph = tiny();
  const RunFolder folder = RunFolder::plan(temporary / "out", "");
  CHECK_THROWS_WITH(
      run_passes(graph, run, folder, [](const PassRun&) {}),
      Contains("t.toml', line 1: ") && Contains("'seq_blocks_1'") && Contains("does not stand before it"));
  CHECK_FALSE(std::filesystem::exists(folder.path()));
}

TEST_CASE("every pass of the list has a name of its own, and analyses leave the network as it was") {
  const TemporaryFolder temporary;
  std::set<std::string_view> names;
  std::string file;
  for (const Pass& pass : available_passes()) {
    CHECK(names.insert(pass.name).second);
    CHECK(&find_pass(pass.name) == &pass);
    if (pass.kind != PassKind::analysis || pass.name == "load_node_meta_param" ||
        pass.name == "init_metadata")
      continue;
    file += fmt::format("[passes.{}]\n", pass.name);
    if (pass.name == "profile_statistics")
      file +=
          "by = 'type'\ntarget_weight_nodes = ['linear']\ntarget_activation_nodes = ['relu']\n"
          "activation_statistics = {abs_mean = {}}\nweight_statistics = {record = {}}\nnum_samples = 50\n";
  }
  PassesToRun run;
  const TransformInput input = open_input(emulated("emulated:100:1"), "all", {}, {}, true);
  run.input = input.rows.get();
  run.quiet = true;
  run.calls = read_passes(saved(temporary, "t.toml", file));
  Graph graph = tiny();
  const std::string before = state_hash(graph);
  const RunFolder folder = RunFolder::plan(temporary / "out", "");
  run_passes(graph, run, folder, [&](const PassRun& pass) {
    INFO(pass.call->pass->name);
    CHECK(state_hash(graph) == before);
  });
  CHECK_FALSE(std::filesystem::exists(folder.file("transformed_ckpt")));
}

TEST_CASE("a child process gets its input and tells how it failed") {
  const ChildOutput sorted = run_child({"sort", "-r"}, "a\nb\n");
  CHECK(sorted.out == "b\na\n");
  CHECK(sorted.problem.empty());
  const ChildOutput failed = run_child({"ls", "/nonexistent/file"}, "");
  CHECK_THAT(failed.problem, Contains("ls failed (status ") && Contains("/nonexistent/file"));
  CHECK_FALSE(failed.not_found);
  CHECK(run_child({"jsc-no-such-program"}, "").not_found);
  CHECK(run_child({"printf", "%s", "$HOME `id` 'x y'"}, "").out == "$HOME `id` 'x y'");  // no shell
}

TEST_CASE("the pictures of magnitudes have a row a tensor and tell the zeros") {
  TensorBox box{"seq_blocks_2 weight", 8, 0.125, 0.25, 1, 2, 4, 0.5, {1, 1, 1, 1}, -3};
  TensorBox zeros;
  zeros.name = "all <zero>";
  zeros.count = 3;
  zeros.zero_share = 1;
  const std::vector<TensorBox> boxes = {box, zeros};
  const std::vector<TensorBox> nothing = {zeros};
  CHECK_THAT(render_ranges(nothing).problem, Contains("every value is zero"));
  CHECK_THAT(render_histograms(nothing).problem, Contains("every value is zero"));
  if (run_child({"gnuplot", "--version"}, "").not_found) {
    WARN("gnuplot is not installed: the pictures are not tested");
    return;
  }
  for (const RenderedPlot& plot : {render_ranges(boxes), render_histograms(boxes)}) {
    CHECK(plot.problem.empty());
    CHECK_THAT(plot.svg, Contains("seq_blocks_2 weight") && Contains("50.0 %") && Contains("100.0 %"));
    CHECK_THAT(plot.svg, Contains("all &lt;zero&gt;: 3 values, 1 zero"));
    CHECK_THAT(plot.svg, Contains("seq_blocks_2 weight: 8 values, 0.5 zero, magnitudes 0.125 0.25 1 2 4"));
  }
}
