"""jsc-train transform and passes as a user runs them: MASE's files, what is printed and written, bad input."""
import csv
import json
import os
import random
import shutil
import subprocess
import unittest

from cli import CliTest, main, read_safetensors, run

JETS = ["--data", "emulated:2000:1"]

# MASE's file for jsc-tiny (its top-level keys and search tables), with the passes of lab 2.
MASE_KEYS = """
model = "jsc-tiny"
dataset = "jsc"
task = "cls"
max_epochs = 5
batch_size = 8
learning_rate = 1e-2
accelerator = "gpu"
project = "jsc-tiny"
seed = 42
log_every_n_steps = 5
load_name = "NA"
load_type = "pl"
"""
MASE_QUANTIZE = """
[passes.quantize]
by = "type"
[passes.quantize.default.config]
name = "NA"
[passes.quantize.linear.config]
name = "integer"
data_in_width = 8
data_in_frac_width = 4
weight_width = 8
weight_frac_width = 4
bias_width = 8
bias_frac_width = 4
"""
LAB2 = """
[passes.report_graph]
[passes.profile_statistics]
by = "type"
target_weight_nodes = ["linear"]
target_activation_nodes = ["relu"]
num_samples = 32
[passes.profile_statistics.weight_statistics.variance_precise]
device = "cpu"
dims = "all"
[passes.profile_statistics.activation_statistics.range_quantile]
device = "cpu"
dims = "all"
quantile = 0.97
[passes.report_node_meta_param]
which = ["software"]
"""
SEARCH = """
[search.search_space]
name = "graph/quantize/mixed_precision_ptq"
[search.search_space.setup]
by = "name"
[search.search_space.seed.default.config]
name = ["NA"]
[search.search_space.seed.seq_blocks_2.config]
name = ["integer"]
data_in_width = [4, 8]
data_in_frac_width = ["NA"]
[search.strategy]
name = "optuna"
eval_mode = true
"""

# As torch.fx prints jsc-tiny, and MASE's counts and layers after it.
GRAPH = """graph():
    %x : [num_users=1] = placeholder[target=x]
    %seq_blocks_0 : [num_users=1] = call_module[target=seq_blocks.0](args = (%x,), kwargs = {})
    %seq_blocks_1 : [num_users=1] = call_module[target=seq_blocks.1](args = (%seq_blocks_0,), kwargs = {})
    %seq_blocks_2 : [num_users=1] = call_module[target=seq_blocks.2](args = (%seq_blocks_1,), kwargs = {})
    %seq_blocks_3 : [num_users=1] = call_module[target=seq_blocks.3](args = (%seq_blocks_2,), kwargs = {})
    return seq_blocks_3
Network overview:
{'placeholder': 1, 'get_attr': 0, 'call_function': 0, 'call_method': 0, 'call_module': 4, 'output': 1}
Layer types:
[BatchNorm1d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True), ReLU(inplace=True), \
Linear(in_features=16, out_features=5, bias=True), ReLU(inplace=True)]
"""


class TransformTest(CliTest):
    def file(self, text, name="t.toml"):
        path = self.dir / name
        path.write_text(text)
        return path

    def transform(self, text, *more, code=0):
        """(result as JSON, run folder)"""
        out = self.dir / f"run{len(list(self.dir.iterdir()))}"
        printed, _ = run("transform", "--config", self.file(text), "--out", out, "--json", *JETS, *more, code=code)
        return json.loads(printed), out


class Transform(TransformTest):
    def test_lab_2_gives_the_graph_counts_and_layers_of_mase(self):
        result, out = self.transform(MASE_KEYS + LAB2 + SEARCH)
        self.assertEqual([p["pass"] for p in result["passes"]],
                         ["report_graph", "profile_statistics", "report_node_meta_param"])
        self.assertEqual(result["passes"][0]["text"], GRAPH)
        self.assertEqual((out / "01_report_graph.txt").read_text(), GRAPH)
        statistics = result["passes"][1]["info"]
        counts = {(node, entry): fields["count"] for node, entries in statistics.items()
                  for entry, stats in entries.items() for fields in stats.values()}
        # The counts of a real run of MASE with these settings (batch size 8, 32 samples).
        self.assertEqual(counts, {("seq_blocks_2", "weight"): 80, ("seq_blocks_2", "bias"): 5,
                                  ("seq_blocks_1", "data_in_0"): 512, ("seq_blocks_3", "data_in_0"): 160})
        quantiles = statistics["seq_blocks_1"]["data_in_0"]["range_quantile"]
        self.assertAlmostEqual(quantiles["range"], quantiles["max"] - quantiles["min"])
        columns = ["Node name", "Fx Node op", "Mase type", "Mase op", "Software Param"]
        rows = result["passes"][2]["tables"]["node_meta_param"]
        self.assertEqual([list(row) for row in rows], [columns] * 6)
        self.assertIn("'count': 80", rows[3]["Software Param"])

    def test_a_file_of_mase_is_taken_as_it_is(self):
        result, out = self.transform(MASE_KEYS + MASE_QUANTIZE + SEARCH)
        (quantize,) = result["passes"]
        self.assertEqual(quantize["changed"], ["seq_blocks_2"])
        # The histogram of a real run of MASE with this file.
        counts = {row["Original type"]: (row["OP"], row["Total"], row["Changed"], row["Unchanged"])
                  for row in quantize["tables"]["quantize_histogram"]}
        self.assertEqual(counts, {"BatchNorm1d": ("batch_norm1d", 1, 0, 1), "Linear": ("linear", 1, 1, 0),
                                  "ReLU": ("relu", 2, 0, 2), "output": ("output", 1, 0, 1),
                                  "x": ("placeholder", 1, 0, 1)})
        self.assertTrue((out / "transformed_ckpt" / "node_meta_param.toml").exists())
        # The folder is a run folder: the quantized network can be loaded from it.
        report, _ = self.transform("[passes.report_graph]\n", "--load", out)
        self.assertIn("LinearInteger(", report["passes"][0]["text"])

    @unittest.skipUnless(shutil.which("dot"), "dot is not installed (package graphviz)")
    def test_a_graph_is_drawn(self):
        _, out = self.transform(MASE_KEYS + "[passes.draw_graph]\n")
        drawing = (out / "01_draw_graph.svg").read_text()
        self.assertIn("</svg>", drawing)
        for name in ("x", "seq_blocks_2", "output"):
            self.assertIn(f">{name}</text>", drawing)

    def test_statistics_agree_with_values_computed_from_the_checkpoint_and_the_data(self):
        trained = self.dir / "trained"
        run("train", "jsc-tiny", *JETS, "--max-epochs", 1, "--quiet", "--out", trained)
        text = """
[passes.profile_statistics]
by = "name"
target_weight_nodes = ["seq_blocks_2"]
target_activation_nodes = ["x"]
num_samples = 100
[passes.profile_statistics.weight_statistics.variance_precise]
[passes.profile_statistics.activation_statistics.variance_online]
[passes.profile_statistics.activation_statistics.range_min_max]
"""
        result, _ = self.transform(text, "--load", trained, "--rows", "test")
        self.assertEqual(result["model"], "jsc-tiny")
        found = result["passes"][0]["info"]
        _, tensors = read_safetensors(trained / "best.safetensors")
        weights = tensors["seq_blocks.2.weight"][2]
        mean = sum(weights) / 80
        self.assertAlmostEqual(found["seq_blocks_2"]["weight"]["variance_precise"]["mean"], mean, places=12)
        self.assertAlmostEqual(found["seq_blocks_2"]["weight"]["variance_precise"]["variance"],
                               sum((w - mean) ** 2 for w in weights) / 79, places=12)
        # The input: the test rows scaled by the checkpoint's scaler, in the order of the split.
        jets = self.dir / "jets.csv"
        run("data", "make", jets, "--rows", 2000, "--seed", 1, "--quiet")
        with jets.open(newline="") as file:
            rows = list(csv.DictReader(file))
        raw = [[float(row[name]) for name in list(row)[:16]] for row in rows]
        shift, scale = tensors["scaler.mean"][2], tensors["scaler.scale"][2]
        # numpy's RandomState(42).permutation(2000), by its published algorithm.
        generator = random.Random()
        state = [42]
        for i in range(1, 624):
            state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + i) & 0xFFFFFFFF)
        generator.setstate((3, tuple(state) + (624,), None))
        order = list(range(2000))
        for i in range(1999, 0, -1):
            mask = (1 << i.bit_length()) - 1
            while (j := generator.getrandbits(32) & mask) > i:
                pass
            order[i], order[j] = order[j], order[i]
        values = [(raw[r][f] - shift[f]) / scale[f] for r in order[:100] for f in range(16)]
        mean = sum(values) / 1600
        stats = found["x"]["data_out_0"]
        self.assertAlmostEqual(stats["variance_online"]["mean"], mean, places=5)
        self.assertAlmostEqual(stats["variance_online"]["variance"], sum((v - mean) ** 2 for v in values) / 1600,
                               places=5)
        self.assertAlmostEqual(stats["range_min_max"]["max"], max(values), places=5)
        self.assertEqual(stats["range_min_max"]["count"], 1600)

    def test_the_run_folder_holds_every_result_in_every_form(self):
        _, out = self.transform(MASE_KEYS + LAB2 + "[passes.draw_graph]\n[passes.profile_ranges]\n"
                                "[passes.save_node_meta_param]\n")
        names = {p.name for p in out.iterdir()}
        wanted = {"config.toml", "summary.json", "01_report_graph.txt", "06_save_node_meta_param.toml"}
        wanted |= {f"02_profile_statistics.{e}" for e in ("txt", "csv", "md", "json")}
        wanted |= {f"05_profile_ranges.{e}" for e in ("txt", "csv", "md", "json")} | {"04_draw_graph.dot"}
        if shutil.which("dot"):
            wanted.add("04_draw_graph.svg")
        if shutil.which("gnuplot"):
            wanted |= {"05_profile_ranges.svg", "05_profile_ranges_histograms.svg"}
        self.assertLessEqual(wanted, names)
        self.assertFalse([n for n in names if n.endswith(".tmp")])
        with (out / "02_profile_statistics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([r["value"] for r in rows if r["field"] == "count"], ["80", "5", "512", "160"])
        self.assertIn("| seq_blocks_2 | weight |", (out / "02_profile_statistics.md").read_text())

    def test_the_effective_config_gives_the_same_files_again(self):
        _, first = self.transform(MASE_KEYS + LAB2)
        again = self.dir / "again"
        run("transform", "--config", first / "config.toml", "--out", again)
        for path in first.iterdir():
            if path.name != "summary.json":
                self.assertEqual(path.read_bytes(), (again / path.name).read_bytes(), path.name)

    def test_the_results_do_not_depend_on_the_threads(self):
        text = MASE_KEYS + LAB2.replace("num_samples = 32", "num_samples = 2000")
        results = [self.transform(text, "--rows", "all", "--threads", n)[0]["passes"] for n in (1, 2)]
        for passes in results:
            for entry in passes:
                del entry["seconds"]
        self.assertEqual(results[0], results[1])

    def test_tables_and_text_go_to_standard_output_and_notes_to_standard_error(self):
        out, err = run("transform", "--config", self.file(MASE_KEYS + LAB2), "--out", self.dir / "r", *JETS)
        self.assertIn("[1/3] report_graph\n" + GRAPH, out)
        self.assertIn("| seq_blocks_2 | weight    | variance_precise | count    |", out)
        self.assertTrue(out.endswith(f"run folder: {self.dir / 'r'}\n"))
        self.assertIn("without effect on a transform: max_epochs, learning_rate, accelerator, project", err)
        self.assertIn("| Name", err)
        out, err = run("transform", "--config", self.file(LAB2), "jsc-tiny", "--quiet", *JETS, "--out", self.dir / "q")
        self.assertEqual(err, "")

    def test_flags_win_over_the_file(self):
        result, _ = self.transform(MASE_KEYS + "[passes.report_graph]\n", "jsc-toy")
        self.assertEqual(result["model"], "jsc-toy")
        self.assertEqual(result["passes"][0]["info"]["counts"]["call_module"], 11)

    def test_a_pass_writes_where_its_option_says_too(self):
        target = self.dir / "deep" / "er" / "graph.txt"
        drawing = self.dir / "net.svg"
        self.transform(MASE_KEYS + f"[passes.report_graph]\nfile_name = '{target}'\n"
                       f"[passes.draw_graph]\nfile_name = '{drawing}'\n")
        self.assertEqual(target.read_text(), GRAPH)
        self.assertIn("digraph", (self.dir / "net.dot").read_text())
        self.assertEqual(drawing.exists(), bool(shutil.which("dot")))

    def test_without_dot_and_gnuplot_everything_works_but_the_pictures(self):
        out = self.dir / "r"
        environment = {**os.environ, "PATH": str(self.dir)}
        text = MASE_KEYS + "[passes.draw_graph]\n[passes.profile_ranges]\n"
        _, err = run("transform", "--config", self.file(text), "--out", out, *JETS, env=environment)
        self.assertIn("01_draw_graph.svg: dot is not installed (package graphviz)", err)
        self.assertIn("gnuplot is not installed", err)
        self.assertTrue((out / "01_draw_graph.dot").exists())
        self.assertFalse(list(out.glob("*.svg")))

    def test_metadata_saved_by_one_run_loads_in_another(self):
        saved = self.dir / "meta.toml"
        self.transform(MASE_KEYS + LAB2 + f"[passes.save_node_meta_param]\nsave_path = '{saved}'\n")
        text = f"[passes.load_node_meta_param]\nload_path = '{saved}'\n[passes.report_node_meta_param]\n"
        result, _ = self.transform(MASE_KEYS + text)
        self.assertIn("'count': 80", result["passes"][1]["tables"]["node_meta_param"][3]["Software Param"])

    @unittest.skipIf(os.environ.get("JSC_SANITIZED"), "a sanitizer keeps memory of its own")
    def test_any_number_of_emulated_jets_is_profiled_in_the_same_memory(self):
        text = """
[passes.profile_statistics]
by = "type"
target_activation_nodes = ["linear", "relu", "output"]
num_samples = {}
[passes.profile_statistics.activation_statistics.range_quantile]
[passes.profile_statistics.activation_statistics.variance_online]
"""
        peaks = []
        for rows in (150_000, 600_000):
            command = [os.environ["JSC_TRAIN"], "transform", "jsc-tiny", "--config", self.file(text.format(rows)),
                       "--data", f"emulated:{rows}", "--rows", "all", "--quiet", "--out", self.dir / f"r{rows}"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            peaks.append(usage.ru_maxrss / 1024)
        # 450,000 more jets would be 27 MiB; the scaler is fitted to 200,000 jets at most (3 MiB more than 150,000).
        self.assertLess(peaks[1] - peaks[0], 12, peaks)


class BadInput(TransformTest):
    def refuses_file(self, text, *more, says):
        self.refuses("transform", "--config", self.file(text), "--out", self.dir / "out", *more, says=says)
        self.assertFalse((self.dir / "out").exists(), "a refused transform left a folder")

    def statistics(self, weights="", activations="", targets='["linear"]', by="type", samples=10):
        return (f'model = "jsc-tiny"\ndata = "emulated:100"\n[passes.profile_statistics]\nby = "{by}"\n'
                f"target_weight_nodes = {targets}\ntarget_activation_nodes = {targets}\nnum_samples = {samples}\n"
                f"weight_statistics = {{{weights}}}\nactivation_statistics = {{{activations}}}\n")

    def test_passes_and_keys_that_do_not_exist_get_the_nearest_name(self):
        self.refuses_file("[passes.report_graf]\n", "jsc-tiny", says=["line 1", "did you mean 'report_graph'?"])
        self.refuses_file("[passes.report_graph]\nfilename = 'x'\n", "jsc-tiny", says="did you mean 'file_name'?")
        self.refuses_file("modle = 'jsc-tiny'\n[passes.report_graph]\n", says=["line 1", "did you mean 'model'?"])

    def test_passes_that_this_build_lacks_are_told_from_misspelt_ones(self):
        self.refuses_file(MASE_KEYS + "[passes.prune.weight]\nscope = 'local'\n",
                          says="pass 'prune' is not available in this build")

    def test_a_target_that_does_not_exist_gets_the_nearest_names(self):
        self.refuses_file(self.statistics(weights="abs_mean = {}", targets='["linaer"]'),
                          says=["line 3", "no node has the type 'linaer': did you mean 'linear'?"])
        self.refuses_file(self.statistics(activations="abs_mean = {}", targets='["seq_block_2"]', by="name"),
                          says="did you mean 'seq_blocks_2'?")

    def test_a_statistic_or_option_that_does_not_exist(self):
        self.refuses_file(self.statistics(weights="variance_precis = {}"), says="did you mean 'variance_precise'?")
        self.refuses_file(self.statistics(activations="abs_mean = {dim = 'all'}"), says="did you mean 'dims'?")

    def test_a_quantile_out_of_its_range(self):
        for quantile in ("0.5", "1.01", "-1", "0"):
            self.refuses_file(self.statistics(activations=f"range_quantile = {{quantile = {quantile}}}"),
                              says=["quantile should be in (0.5, 1]", f"found {quantile}"])
        run("transform", "--config", self.file(self.statistics(activations="range_quantile = {quantile = 1.0}")),
            "--out", self.dir / "whole")

    def test_data_that_is_empty_or_too_short(self):
        empty = self.file("a,b,class\n", "empty.csv")
        self.refuses_file("[passes.report_graph]\n", "jsc-tiny", "--data", empty, says="empty.csv")
        self.refuses_file("[passes.report_graph]\n", "jsc-tiny", "--data", "emulated:0", "--rows", "all",
                          says="expected at least one row, found 0")
        self.refuses_file(self.statistics(activations="abs_mean = {}", samples=73), says=["at least 73 rows, found 72"])
        self.refuses_file(self.statistics(activations="abs_mean = {}", samples=0), says="at least one sample, found 0")

    def test_a_config_or_model_that_is_missing_or_unreadable(self):
        self.refuses("transform", "jsc-tiny", says="no config given")
        self.refuses("transform", "jsc-tiny", "--config", self.dir / "no.toml", says="no.toml")
        self.refuses_file("[passes.report_graph]\n", says="no model given")
        self.refuses_file("model = 'jsc-tiny'\n", says="expected [passes.NAME] tables")
        self.refuses_file("[passes.report_graph\n", "jsc-tiny", says="line 1")
        self.refuses_file("task = 'translation'\n[passes.report_graph]\n", "jsc-tiny",
                          says="expected one of classification, cls")
        self.refuses_file("[passes.load_node_meta_param]\nload_path = 'no.toml'\n", "jsc-tiny", says="no.toml")

    def test_a_transform_that_failed_is_tried_again_in_its_folder(self):
        out = self.dir / "out"
        first = "[passes.report_graph]\n"
        failing = self.file(first + "[passes.load_node_meta_param]\nload_path = 'no.toml'\n")
        run("transform", "jsc-tiny", "--config", failing, *JETS, "--out", out, code=2)
        self.assertFalse((out / "config.toml").exists())
        self.assertTrue((out / "01_report_graph.json").exists())
        run("transform", "jsc-tiny", "--config", self.file(first), *JETS, "--out", out)

    def test_inspect_says_what_a_folder_of_analyses_is(self):
        _, out = self.transform(MASE_KEYS + "[passes.report_graph]\n")
        self.refuses("inspect", out, says=(f"{out}: the folder of a transform", "no checkpoint", "summary.json"))

    def test_a_folder_that_holds_a_run_is_not_overwritten(self):
        _, out = self.transform(MASE_KEYS + "[passes.report_graph]\n")
        self.refuses("transform", "--config", self.file(MASE_KEYS + LAB2), "--out", out, *JETS,
                     says="already holds a run")


class Passes(CliTest):
    def test_every_pass_is_listed_with_options_types_and_defaults(self):
        out, _ = run("passes", "--json")
        passes = {entry["pass"]: entry for entry in json.loads(out)}
        for name in ("init_metadata", "add_common_metadata", "report_graph", "profile_statistics", "draw_graph"):
            self.assertIn(name, passes)
        options = {o["key"]: o for o in passes["profile_statistics"]["options"]}
        self.assertEqual(options["num_samples"]["type"], "integer")
        self.assertEqual(options["num_samples"]["default"], 512)
        self.assertTrue(options["by"]["required"])
        statistics = passes["profile_statistics"]["statistics"]
        self.assertEqual(len(statistics), 7)
        self.assertEqual([o["default"] for o in statistics["range_quantile"] if o["key"] == "quantile"], [0.975])
        text, _ = run("passes")
        for name, entry in passes.items():
            self.assertRegex(text, rf"\| {name} +\|")
            self.assertIn(entry["about"], text)

    def test_one_pass_is_shown(self):
        out, _ = run("passes", "profile_statistics")
        self.assertRegex(out, r"\| +\| num_samples +\| integer \| 512 +\|")
        self.assertRegex(out, r"\| range_quantile +\| device")
        self.assertNotIn("report_graph", out)
        self.assertEqual(json.loads(run("passes", "report_graph", "--json")[0])["pass"], "report_graph")
        self.refuses("passes", "report_graf", says="did you mean 'report_graph'?")

    def test_a_file_of_all_analyses_with_their_defaults_can_be_written_from_the_list(self):
        lines = []
        for entry in json.loads(run("passes", "--json")[0]):
            if entry["kind"] != "analysis" or any(option["required"] for option in entry["options"]):
                continue
            lines.append(f"[passes.{entry['pass']}]")
            for option in entry["options"]:
                default = "NA" if option["default"] is None else option["default"]
                lines.append(f"{option['key']} = {json.dumps(default)}")
        path = self.dir / "all.toml"
        path.write_text("\n".join(lines))
        run("transform", "jsc-tiny", "--config", path, "--out", self.dir / "out", *JETS)


if __name__ == "__main__":
    main()
