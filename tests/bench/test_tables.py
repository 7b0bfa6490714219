"""bench/run.py --show on stored figures: tables, targets, and the comparison with a baseline. Nothing is timed here."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE.parents[1] / "bench/run.py"
sys.path.insert(0, str(RUN.parent))
import baseline  # noqa: E402
import results  # noqa: E402
import tables  # noqa: E402


class Tables(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="jsc-bench-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.machine, self.figures = results.load(HERE / "small.json")

    def show(self, code=0):
        """The lines of the tables of self.figures, compared with what is in the folder baseline/."""
        path = self.folder / "run.json"
        results.save(path, self.machine, self.figures)
        done = subprocess.run([sys.executable, RUN, "--show", path, "--baselines", self.folder / "baseline"],
                              stdout=subprocess.PIPE, text=True, check=False)  # fmt: skip
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout.splitlines()

    def changes(self):
        return [line for line in self.show() if line.endswith(("better |", "WORSE |"))]

    def save_baseline(self):
        return baseline.save(self.folder / "baseline", self.machine, self.figures)

    def test_tables_hold_medians_spreads_and_ratios_of_rounds(self):
        lines = self.show(code=1)
        for line in (
            "| jsc-toy | 1 | 64 | 9000 (22%) | 100 (25%) |  | 80.0 |  | 13 (13%) |",  # 80, 80, 90 times
            "| jsc-toy | 30.0 (0%) | 10.0 (100%) | 3.0 |",
            "| jsc-toy | 1024 | 10000 (0%) | 15000 (13%) | 1.50 | 1.80 |",
            "| forward | 1.00 | 0.50 |  |  |  |  | 0.90 |",  # geometric mean of 0.5 and 2; the square is none of them
            "| forward | 3.00 |  | 1.50 |",  # 2 threads
            "| forward | 256 | 1 | 160 | 1.10 | 0.99 |  |",
            "| relu_forward | 16 | 256 | 25.00 | 200 | 20.0 |  |",
            "| jsc-hls4ml | 8-bit |  | 25.0 (8%) | 500 ns |  |  |  |  |  |",
            "| 10 epochs of jsc-tiny over 789,444 jets, batch 256, 2 threads | 0.80 s | 25% |",
            "| training jsc-toy, batch 64, 1 thread, against LibTorch | 80.0x | at least 80.0x | met |",
            "| forward, against the best of libxsmm, worst | 0.50 | at least 0.85 | MISSED |",
            "| forward, square of 256, with --blas, against OpenBLAS | 0.99x | at least 1x, within 3 % | met |",
            "| verify jsc-hls4ml, 8 bits, 830,000 jets, 2 threads: comparison | 4.00 s | under 5.00 s | met |",
            "| accuracy of jsc-toy after 10 epochs less PyTorch's, mean over the seeds | +0.00 points | within 0.5 | met |",
        ):
            self.assertIn(line, lines)
        self.assertEqual(sum(line.endswith("| MISSED |") for line in lines), 1)
        self.assertFalse(any(line.endswith("| NOT MEASURED |") for line in lines))

    def test_exit_code_tells_whether_all_targets_are_met(self):
        self.figures["gemm"]["forward/16/5/64/1 jsc/libxsmm"] = [0.9, 0.9, 0.9]
        self.show(code=0)

    def test_what_a_whole_run_did_not_measure_is_missed(self):
        self.figures["gemm"]["forward/16/5/64/1 jsc/libxsmm"] = [0.9, 0.9, 0.9]
        self.machine["only"] = None
        targets = [line for line in self.show(code=1) if line.endswith(("| met |", "| MISSED |", "| NOT MEASURED |"))]
        self.assertEqual(sum(line.endswith("| NOT MEASURED |") for line in targets), len(targets) - 12)
        for line in (
            "| training jsc-tiny, batch 32, 1 thread, against LibTorch |  | at least 100.0x | NOT MEASURED |",
            "| d_w, share of the FMA peak, mean |  | at least 0.70 | NOT MEASURED |",
            "| peak memory of training on 200,000 jets |  | under 80 MiB | NOT MEASURED |",
        ):
            self.assertIn(line, targets)
        self.figures.clear()
        self.assertEqual(sum(line.endswith("| NOT MEASURED |") for line in self.show(code=1)), len(targets))

    def test_a_figure_reads_as_what_is_said_of_it(self):
        self.figures["gemm"]["forward/256/256/256/1 jsc_blas/openblas"] = [0.966, 0.966, 0.966]
        self.assertIn("| forward, square of 256, with --blas, against OpenBLAS | 0.966x | at least 1x, within 3 % | MISSED |", self.show(code=1))
        targets = tables.Targets(whole=True)
        for found in (2.0, 1.96, 1.9996, 1.94):
            targets.least("", found, 2, "{:.1f}x")
        targets.least("", 0.998, 1, "{:.2f}")
        targets.most("", 999.6, 1000, "{:.0f} ns")
        self.assertEqual([row[1:] for row in targets.rows],
                         [("2.0x", "at least 2.0x", "met"), ("1.96x", "at least 2.0x", "MISSED"),
                          ("1.9996x", "at least 2.0x", "MISSED"), ("1.9x", "at least 2.0x", "MISSED"),
                          ("0.998", "at least 1.00", "MISSED"), ("999.6 ns", "under 1000 ns", "met")])  # fmt: skip

    def test_a_run_does_not_differ_from_itself(self):
        self.figures["gemm"].clear()
        path = self.save_baseline()
        self.assertLess(path.stat().st_size, 2000)
        self.assertEqual(self.changes(), [])

    def test_figures_that_scatter_are_no_baseline(self):
        self.figures["gemm"].clear()
        self.figures["data"]["emulate/2"] = [2e6, 4e6, 5e6]
        self.assertNotIn("data/emulate/2", self.save_baseline().read_text())

    def test_on_a_busy_machine_figures_by_the_wall_are_left_out(self):
        self.assertTrue({"data/emulate/2", "program/verify"} <= set(baseline.kept(self.machine, self.figures)))
        self.machine["load_after"] = [2.5, 1, 1]
        kept = set(baseline.kept(self.machine, self.figures))
        self.assertFalse({"data/emulate/2", "program/verify"} & kept)
        self.assertTrue({"integer/jsc-hls4ml/8-bit/16384", "training/jsc-toy/64/1/jsc / libtorch"} <= kept)

    def test_what_changed_beyond_the_spread_is_told_with_its_direction(self):
        self.figures["gemm"].clear()
        self.save_baseline()
        self.figures["integer"]["jsc-hls4ml/8-bit/16384"] = [23.5e6, 23.5e6, 23.5e6]  # -6 %, and the spread is 8 %
        self.figures["integer"]["jsc-hls4ml/8-bit/1"] = [1.8e6, 1.8e6, 1.8e6]
        self.figures["program"]["verify"] = [4.4, 4.4, 4.4]  # seconds
        self.figures["data"]["emulate/2"] = [4.4e6, 4.4e6, 4.4e6]
        self.figures["ops"]["relu_forward/16/256/jsc"] = [2.4e11] * 3  # of the ratio alone
        self.assertEqual(self.changes(), [
            "| ops/relu_forward/16/256/jsc / libtorch | 20 | 24 | +20% | 0% | better |",
            "| integer/jsc-hls4ml/8-bit/1 | 2e+06 | 1.8e+06 | -10% | 0% | WORSE |",
            "| data/emulate/2 | 4e+06 | 4.4e+06 | +10% | 0% | better |",
            "| program/verify | 4 | 4.4 | +10% | 0% | WORSE |",
        ])  # fmt: skip

    def test_on_another_processor_only_ratios_to_peers_are_compared(self):
        self.figures["gemm"] = results.Section({"d_w/16/5/64/1 jsc/libxsmm": [1.0]})
        self.save_baseline()
        self.machine["cpu"] = "Another Processor, family 6 model 2"
        self.figures["integer"]["jsc-hls4ml/8-bit/1"] = [1e6, 1e6, 1e6]
        self.figures["gemm"]["d_w/16/5/64/1 jsc/libxsmm"] = [0.9]
        path = baseline.find(self.folder / "baseline", self.machine)
        lines, compared = baseline.compare(path, self.machine, self.figures)
        self.assertEqual(lines, ["| gemm/d_w, batch 64, 1 threads jsc/libxsmm | 1 | 0.9 | -10% | 0% | WORSE |"])
        self.assertEqual(compared, 5)  # three of training, the layers' mean, relu_forward

    def test_the_stored_baselines_can_be_read(self):
        for path in (RUN.parent / "baseline").glob("*.json"):
            content = json.loads(path.read_text())
            self.assertEqual(path.name, baseline.file_name(content["machine"]))
            self.assertTrue(all(len(entry) == 2 for entry in content["figures"].values()))

    def test_a_baseline_of_a_quick_run_is_refused(self):
        results.save(self.folder / "run.json", self.machine | {"quick": True}, self.figures)
        for run in (["--quick"], ["--show", self.folder / "run.json", "--baselines", self.folder]):
            done = subprocess.run([sys.executable, RUN, *run, "--save-baseline"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
            self.assertEqual(done.returncode, 2)
            self.assertIn("needs a whole run", done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["run.json"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
