"""jsc-train sweep as a user runs it: the table, going on after kills, what is refused, trials that fail."""
import csv
import json
import math
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from cli import JSC_TRAIN, CliTest, main, read_safetensors, run

SMALL = ["jsc-tiny", "--data", "emulated:4000:1", "--quiet"]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def timeless(path):
    """A table without its seconds, every digit of the rest."""
    return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in read_csv(path)]


def final_bits(folder):
    """What a training ends with: every tensor of both checkpoints and the metrics but the times."""
    metrics = read_csv(folder / "metrics.csv")
    for row in metrics:
        del row["seconds"], row["samples_per_second"]
    return [read_safetensors(folder / f"{name}.safetensors")[1] for name in ("best", "last")], metrics


class Sweep(CliTest):
    def test_the_table_has_the_mean_and_deviation_of_what_single_trainings_find(self):
        out = self.dir / "s"
        text, _ = run("sweep", *SMALL, "--batch-size", "64,256", "--max-epochs", 2, "--seeds", 3, "--out", out)
        self.assertIn("Validation accuracy", text)
        self.assertIn(f"sweep folder: {out}", text)
        rows = read_csv(out / "table.csv")
        self.assertEqual([r["batch_size"] for r in rows], ["64", "256"])
        self.assertEqual(list(rows[0])[:5], ["epochs", "batch_size", "learning_rate", "seeds", "failed"])
        for row in rows:
            found = []
            for seed in range(3):
                single = self.dir / f"single-{row['batch_size']}-{seed}"
                run("train", *SMALL, "--batch-size", row["batch_size"], "--max-epochs", 2, "--seed", seed, "--out", single)
                summary = json.loads((single / "summary.json").read_text())
                best = read_csv(single / "metrics.csv")[summary["best_epoch"]]
                found.append({**summary, "train_loss": float(best["train_loss"])})
                trial = next(out.glob(f"trials/*_batch_size={row['batch_size']}_seed={seed}"))
                self.assertEqual(final_bits(trial), final_bits(single))
            for key in ("train_loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy"):
                values = [f[key] for f in found]
                mean = sum(values) / 3
                deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / 2)
                self.assertAlmostEqual(float(row[key]), mean, places=12)
                self.assertAlmostEqual(float(row[key + "_sd"]), deviation, places=12)
        content = json.loads((out / "table.json").read_text())
        self.assertEqual([r["batch_size"] for r in content], [64, 256])
        self.assertEqual(content[0]["val_loss"]["mean"], float(rows[0]["val_loss"]))
        self.assertEqual([t["seed"] for t in content[0]["trials"]], [0, 1, 2])
        self.assertEqual(len(read_csv(out / "trials.csv")), 6)
        self.assertIn("| Epochs | Batch size |", (out / "table.md").read_text())
        self.assertIn(f"{float(rows[0]['val_loss']):.4f} ± {float(rows[0]['val_loss_sd']):.4f}", text)

    def test_the_table_depends_on_the_seeds_alone(self):
        tables = []
        for i, threads in enumerate((1, 3)):
            out = self.dir / f"s{i}"
            run("sweep", *SMALL, "--learning-rate", "1e-3:1e-1:log3", "--max-epochs", 2, "--threads", threads, "--out", out)
            tables.append(timeless(out / "table.csv"))
        self.assertEqual(tables[0], tables[1])
        self.assertEqual([r["learning_rate"] for r in tables[0]], ["0.001", "0.01", "0.1"])

    def test_a_sweep_killed_at_ten_random_moments_ends_with_the_table_of_an_uninterrupted_one(self):
        options = ["jsc-trt", "--data", "emulated:6000:2", "--batch-size", "32,64", "--max-epochs", "4,12", "--seeds", 2,
                   "--scheduler", "constant", "--quiet", "--out"]  # fmt: skip
        whole, killed = self.dir / "whole", self.dir / "killed"
        start = time.time()
        run("sweep", *options, whole)
        seconds = time.time() - start
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed of the kills: {seed}")
        moments = random.Random(seed)
        kills = 0
        while kills < 10:
            process = subprocess.Popen([JSC_TRAIN, *map(str, ["sweep", *options, killed])], stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.02, 0.02 + seconds / 4))
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        # As if a file were left by a process whose number another has by now; under its lock the sweep knows better.
        (killed / f"table.csv.tmp-{os.getpid()}-0").write_text("half")
        for trial in (killed / "trials").iterdir():
            if not (trial / "summary.json").exists():
                (trial / f"best.safetensors.tmp-{os.getpid()}-0").write_text("half")
        run("sweep", "--resume", killed, "--quiet")
        self.assertEqual(timeless(killed / "table.csv"), timeless(whole / "table.csv"))
        self.assertEqual(timeless(killed / "trials.csv"), timeless(whole / "trials.csv"))
        for trial in sorted((whole / "trials").iterdir()):
            self.assertEqual(final_bits(killed / "trials" / trial.name), final_bits(trial), trial.name)
        self.assertFalse(list(killed.rglob("*.tmp-*")), "left over from a kill")

    def test_an_interrupt_stops_all_trials_and_the_same_command_goes_on(self):
        command = ["sweep", "jsc-trt", "--data", "emulated:30000:2", "--batch-size", "32,64", "--max-epochs", 4, "--out"]
        out = self.dir / "s"
        process = subprocess.Popen([JSC_TRAIN, *map(str, [*command, out])], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while not list(out.glob("trials/*/config.toml")):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(f"jsc-train sweep --resume {out}", err)
        self.assertFalse((out / "table.csv").exists())
        run(*command, out, "--quiet")
        run(*command, self.dir / "whole", "--quiet")
        self.assertEqual(timeless(out / "table.csv"), timeless(self.dir / "whole" / "table.csv"))

    def gnuplot_that(self, does):
        """An environment whose gnuplot runs these shell commands first."""
        folder = self.dir / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "gnuplot").write_text(f"#!/bin/bash\n{does}\nexec {shutil.which('gnuplot')} \"$@\"\n")
        (folder / "gnuplot").chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_every_trial_has_its_page_which_is_written_before_the_summary(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--batch-size", "64,128", "--max-epochs", 1, "--threads", 1, "--out", out]
        killed = subprocess.run([JSC_TRAIN, *map(str, command)], env=self.gnuplot_that("kill -9 $PPID"), check=False)
        self.assertEqual(killed.returncode, -signal.SIGKILL)
        first = next(out.glob("trials/1*"))
        self.assertTrue((first / "best.safetensors").exists())
        self.assertFalse((first / "summary.json").exists(), "a run that is finished has its page")
        run(*command)
        page = (out / "report.html").read_text()
        for trial in out.glob("trials/*"):
            self.assertIn(f'href="trials/{trial.name}/report.html"', page)
            text = (trial / "report.html").read_text()
            for words in ("<svg", "ROC by class", "Best epoch", f"<code>jsc-train {' '.join(map(str, command))}</code>"):
                self.assertIn(words, text)
            self.assertNotIn("No plot", text)
        run(*command[:-1], self.dir / "none", "--no-report")
        self.assertFalse([p for p in (self.dir / "none").rglob("*") if p.suffix in (".html", ".svg")])

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_an_interrupt_from_the_terminal_leaves_no_page_without_plots(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--batch-size", "64,128", "--max-epochs", 1, "--threads", 1, "--out", out]
        # As Ctrl-C does it: to the whole group of processes, which jsc-train leads here.
        environment = self.gnuplot_that("kill -INT -$PPID; sleep 0.1")
        first = subprocess.run([JSC_TRAIN, *map(str, command)], env=environment, start_new_session=True, check=False)
        self.assertEqual(first.returncode, 130)
        run(*command)
        for page in out.rglob("report.html"):
            self.assertNotIn("No plot", page.read_text(), page)

    def test_a_damaged_trial_is_trained_anew_and_the_others_stay(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--batch-size", "64,128,256", "--max-epochs", 2, "--no-report", "--out", out]
        run(*command)
        before = timeless(out / "table.csv")
        kept, trial = next(out.glob("trials/1*")), next(out.glob("trials/2*"))
        written = {p: p.stat().st_mtime_ns for p in kept.iterdir()}
        bits = final_bits(trial)
        for name, content, finished in [
            ("summary.json", b"", True), ("summary.json", b"{", True), ("summary.json", b"[1]", True), ("summary.json", b"{}", True),
            ("metrics.csv", b"1,2,3\n", True), ("metrics.csv", b"", True), ("failure.json", b"null", True),
            ("last.safetensors", b"", False), ("last.safetensors", b"x" * 100, False), ("best.safetensors", b"", False),
        ]:  # fmt: skip
            with self.subTest(name=name, content=content):
                (trial / name).write_bytes(content)
                if not finished:
                    (trial / "summary.json").unlink()
                _, err = run(*command)
                self.assertRegex(err, rf"^warning: {trial.name} is trained anew: .*{name}")
                self.assertEqual(timeless(out / "table.csv"), before)
                self.assertEqual(final_bits(trial), bits)
        self.assertEqual({p: p.stat().st_mtime_ns for p in kept.iterdir()}, written)

    def test_a_trial_that_was_killed_before_its_first_state_is_trained(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--batch-size", "64,128", "--max-epochs", 1, "--no-report", "--out", out]
        run(*command)
        before, trial = timeless(out / "table.csv"), next(out.glob("trials/2*"))
        for file in trial.iterdir():
            if file.name != "config.toml":
                file.unlink()
        run(*command)
        self.assertEqual(timeless(out / "table.csv"), before)

    def test_a_trial_whose_beginning_is_damaged_is_trained_from_its_own_beginning(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--max-epochs", "2,3", "--scheduler", "constant", "--no-report", "--out", out]
        run(*command)
        before, longer = timeless(out / "table.csv"), next(out.glob("trials/2*"))
        shutil.rmtree(longer)
        (next(out.glob("trials/1*")) / "last.safetensors").write_bytes(b"")
        _, err = run(*command)
        self.assertIn(f"warning: {longer.name} is trained anew", err)
        self.assertEqual(timeless(out / "table.csv"), before)

    def test_data_that_cannot_be_read_fail_their_trials_alone(self):
        good, bad, out = self.dir / "good.csv", self.dir / "bad.csv", self.dir / "s"
        run("data", "make", good, "--rows", 500, "--seed", 1)
        bad.write_text(good.read_text().replace("\n", "\n?", 3))
        for order in (f"{good};{bad}", f"{bad};{good}"):
            with self.subTest(order=order):
                shutil.rmtree(out, ignore_errors=True)
                _, err = run("sweep", "jsc-tiny", "--data", order, "--max-epochs", 1, "--quiet", "--out", out, code=1)
                self.assertIn("1 of 2 trials failed", err)
                self.assertEqual(sorted("bad.csv" in r["reason"] for r in read_csv(out / "table.csv")), [False, True])

    def test_shorter_trials_of_a_constant_schedule_are_the_beginning_of_longer_ones(self):
        out = self.dir / "s"
        run("sweep", *SMALL, "--max-epochs", "5,2,3", "--scheduler", "constant", "--learning-rate", "1e-2", "--out", out)
        for epochs in (2, 3, 5):
            single = self.dir / f"single{epochs}"
            run("train", *SMALL, "--max-epochs", epochs, "--scheduler", "constant", "--learning-rate", "1e-2", "--out", single)
            trial = next(out.glob(f"trials/*max_epochs={epochs}"))
            self.assertEqual(final_bits(trial), final_bits(single))
        # Trained once: the epochs that two trials share took the same time to the digit.
        times = [[r["seconds"] for r in read_csv(next(out.glob(f"trials/*max_epochs={n}")) / "metrics.csv")] for n in (2, 3, 5)]
        self.assertEqual(times[0], times[1][:2])
        self.assertEqual(times[1], times[2][:3])
        cosine = self.dir / "cosine"
        run("sweep", *SMALL, "--max-epochs", "2,3", "--out", cosine)
        rates = [[r["learning_rate"] for r in read_csv(p / "metrics.csv")] for p in sorted(cosine.glob("trials/*"))]
        self.assertNotEqual(rates[0], rates[1][:2])

    def test_patience_ends_longer_trials_where_it_ended_the_shorter(self):
        options = ["--learning-rate", 1, "--patience", 1, "--scheduler", "constant"]
        out = self.dir / "s"
        run("sweep", *SMALL, *options, "--max-epochs", "30,40", "--out", out)
        for epochs in (30, 40):
            single = self.dir / f"single{epochs}"
            run("train", *SMALL, *options, "--max-epochs", epochs, "--out", single)
            self.assertLess(len(read_csv(single / "metrics.csv")), 30)
            self.assertEqual(final_bits(next(out.glob(f"trials/*max_epochs={epochs}"))), final_bits(single))

    def test_a_trial_that_diverges_is_told_in_the_table_and_the_others_go_on(self):
        out = self.dir / "s"
        command = ["sweep", "jsc-hls4ml", *SMALL[1:], "--optimizer", "sgd", "--max-epochs", "1,2", "--learning-rate",
                   "1e-3,1e30", "--scheduler", "constant", "--out", out]  # fmt: skip
        text, err = run(*command, code=1)
        self.assertIn("2 of 4 trials failed", err)
        self.assertIn("Failed", text)
        rows = read_csv(out / "table.csv")
        self.assertEqual([r["failed"] for r in rows], ["0", "1", "0", "1"])
        self.assertRegex(rows[1]["reason"], r"the loss is .* at step \d+")
        self.assertEqual(rows[1]["val_loss"], "")
        self.assertGreater(float(rows[0]["test_accuracy"]), 0)
        before = timeless(out / "table.csv")
        run(*command, code=1)  # nothing is left to do; the result is the same
        self.assertEqual(timeless(out / "table.csv"), before)

    def test_a_trial_that_cannot_be_trained_does_not_stop_the_others(self):
        # 2880 training rows: batches of 2879 leave one row over, which batch norm cannot take.
        out = self.dir / "s"
        run("sweep", *SMALL, "--batch-size", "64,2879", "--max-epochs", 1, "--out", out, code=1)
        self.assertIn("a batch of one", read_csv(out / "table.csv")[1]["reason"])

    def test_models_data_and_pairs_can_be_swept(self):
        out = self.dir / "s"
        run("sweep", "--model", "jsc-tiny,jsc-toy", "--data", "emulated:2000;emulated:3000", "--max-epochs", 1, "--quiet", "--out", out)
        trials = read_csv(out / "trials.csv")
        self.assertEqual([t["parameters"] for t in trials], ["117", "117", "327", "327"])
        hashes = {json.loads(p.read_text())["data"]["hash"] for p in out.glob("trials/*/summary.json")}
        self.assertEqual(len(hashes), 2)
        pairs = self.dir / "p"
        run("sweep", *SMALL, "--batch-size", "32,64,128", "--learning-rate", "1e-3,2e-3,4e-3", "--paired", "--max-epochs", 1, "--out", pairs)
        self.assertEqual([(r["batch_size"], r["learning_rate"]) for r in read_csv(pairs / "table.csv")],
                         [("32", "0.001"), ("64", "0.002"), ("128", "0.004")])  # fmt: skip

    def test_a_config_file_takes_arrays_ranges_and_transforms(self):
        config = self.dir / "c.toml"
        config.write_text('model = "jsc-toy"\ndata = "emulated:2000"\nmax_epochs = 1\nbatch_size = [64, 128]\n'
                          'learning_rate = "1e-3:1e-2:log2"\nseeds = 2\n[passes.quantize]\nby = "type"\n'
                          '[passes.quantize.default.config]\nname = "integer"\ndata_in_width = 8\ndata_in_frac_width = 4\n'
                          'weight_width = 8\nweight_frac_width = 4\nbias_width = 8\nbias_frac_width = 4\n')  # fmt: skip
        out = self.dir / "s"
        run("sweep", "--config", config, "--seeds", 1, "--quiet", "--out", out)
        self.assertEqual(len(read_csv(out / "table.csv")), 4)
        last = next(out.glob("trials/*/last.safetensors"))
        self.assertIn("quantize", read_safetensors(last)[0]["transforms"])
        again = self.dir / "again"  # the folder's own file is such a configuration
        run("sweep", "--config", out / "sweep.toml", "--quiet", "--out", again)
        self.assertEqual(timeless(again / "table.csv"), timeless(out / "table.csv"))

    def test_rows_are_sorted_as_asked(self):
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--learning-rate", "1e-4,1e-2,1e-3", "--max-epochs", 1, "--out", out]

        def column(key):
            return [float(r[key]) for r in read_csv(out / "table.csv")]

        run(*command)
        self.assertEqual(column("learning_rate"), [1e-4, 1e-2, 1e-3])
        for order, key, reverse in [("val_loss", "val_loss", False), ("test_accuracy", "test_accuracy", True),
                                    ("learning_rate:desc", "learning_rate", True)]:  # fmt: skip
            run(*command, "--sort", order)
            self.assertEqual(column(key), sorted(column(key), reverse=reverse))

    def test_plots_are_drawn(self):
        out = self.dir / "s"
        _, err = run("sweep", *SMALL, "--batch-size", "64,128", "--optimizer", "adam,sgd", "--max-epochs", 2, "--out", out)
        if "gnuplot" in err:
            self.skipTest("gnuplot is not installed")
        for name, words in [("val_loss_curves", "batch size 64, optimizer sgd"), ("test_accuracy_by_batch_size", "optimizer sgd"),
                            ("val_loss_by_optimizer", ">adam<"), ("val_loss_by_batch_size_and_optimizer", ">128<")]:  # fmt: skip
            text = (out / f"{name}.svg").read_text()
            self.assertIn("</svg>", text)
            self.assertIn(words, text, name)

    def test_the_page_shows_table_plots_and_trials(self):
        out = self.dir / "s"
        run("sweep", *SMALL, "--batch-size", "64,128", "--learning-rate", "1e-3,1e-2", "--max-epochs", 2, "--out", out)
        page = (out / "report.html").read_text()
        rows = read_csv(out / "table.csv")
        for row in rows:
            self.assertIn(f"{float(row['val_loss']):.4f}", page)
        for trial in (out / "trials").iterdir():
            self.assertIn(trial.name, page)
        for words in ("Best setting", "Test accuracy against batch size", "Settings", json.loads(
                next(out.glob("trials/*/summary.json")).read_text())["data"]["hash"]):  # fmt: skip
            self.assertIn(words, page)

    def test_compare_shows_what_differs_and_nothing_else(self):
        a, b, out = self.dir / "a", self.dir / "b", self.dir / "c"
        run("train", *SMALL, "--max-epochs", 2, "--out", a)
        run("train", *SMALL, "--max-epochs", 2, "--batch-size", 64, "--threads", 2, "--out", b)
        text, _ = run("compare", a, f"{b}/", "--out", out)
        rows = read_csv(out / "table.csv")
        self.assertEqual([(r["run"], r["batch_size"]) for r in rows], [("a", "256"), ("b", "64")])
        for row, folder in zip(rows, (a, b)):
            summary = json.loads((folder / "summary.json").read_text())
            for key in ("val_loss", "test_accuracy", "test_loss", "val_accuracy"):
                self.assertEqual(float(row[key]), summary[key])
            self.assertIn(f"{summary['val_loss']:.4f}", text)
        for same in ("learning_rate", "threads", "seed"):
            self.assertNotIn(same, rows[0])
        content = json.loads(run("compare", a, b, "--out", out, "--json")[0])
        self.assertEqual(content[1]["differs"], {"batch_size": "64"})
        page = (out / "report.html").read_text()
        self.assertIn("Validation loss", page)
        (b / "summary.json").unlink()
        self.assertIn("not finished (2 epochs)", run("compare", a, b, "--out", out)[0])
        self.refuses("compare", a, says="at least two run folders, found 1")
        self.refuses("compare", a, f"{a}/", says="given twice")
        self.refuses("compare", a, self.dir, says="not a run folder")
        self.refuses("compare", a, b, "--out", a, says="already holds a run")
        sweep = self.dir / "s"
        run("sweep", *SMALL, "--max-epochs", 1, "--out", sweep)
        self.refuses("compare", a, sweep, says=("holds a sweep", f"{sweep}/trials/*"))

    def test_bad_input_is_one_line_and_leaves_nothing(self):
        out = self.dir / "s"
        here = [*SMALL, "--max-epochs", 1, "--out", out]
        for options, words in [
            (["--batch-size", "64,64"], ("--batch-size", "found 64 twice")),
            (["--learning-rate", "1e-3,0.001"], ("--learning-rate", "found 0.001 twice")),
            (["--learning-rate", "1e-3:1e-1:log3,1e-2"], ("found 0.01 twice",)),
            (["--learning-rate", "1e-4:1e-2:log3,3e-3:1:lin2"], ("--learning-rate", "'1e-4:1e-2:log3' and '3e-3:1:lin2' overlap")),
            (["--batch-size", "64,,128"], ("--batch-size", "found '64,,128'")),
            (["--learning-rate", "1e-1:1e-3:log3"], ("the smaller number first", "found 1e-1 before 1e-3")),
            (["--learning-rate", "1:2"], ("expected FIRST:LAST:linN",)),
            (["--learning-rate", "0:1:log3"], ("above 0 for log", "found 0")),
            (["--learning-rate", "1:2:log1"], ("at least 2 values", "found 1")),
            (["--batch-size", "10:20:0"], ("a step above 0", "found 0")),
            (["--batch-size", "10:20:2.5"], ("a whole step", "found 2.5")),
            (["--batch-size", "0:2"], ("--batch-size", "from 1 to", "found 0")),
            (["--optimizer", "adam,adamm"], ("adam, adamw, sgd", "found 'adamm'")),
            (["--threads", "1,2"], ("--threads", "cannot be swept", "found '1,2'")),
            (["--paired", "--batch-size", "32,64", "--learning-rate", "1,2,3"], ("--learning-rate", "found 3 values beside 2")),
            (["--seed", "1,2", "--seeds", 3], ("--seed", "found '1,2'")),
            (["--batch-size", "1:10000", "--seeds", 100], ("at most 100000 trials",)),
            (["--sort", "tests_accuracy"], ("--sort", "did you mean 'test_accuracy'?")),
            (["--model", "jsc-toy"], ("--model: given 2 times",)),
            (["--data", self.dir / "none.csv"], ("none.csv",)),
            (["--seed", 1, "--seed", 2], ("--seed: given 2 times", "as in --seed 1,2")),
        ]:
            with self.subTest(options=options):
                self.refuses("sweep", *here, *options, says=words)
        self.assertFalse(list(out.rglob("*.safetensors")))
        self.refuses("sweep", "--model", "jsc-tiny,jsc-tyo", *SMALL[1:], "--out", out, says=("jsc-tyo", "did you mean 'jsc-toy'?"))
        self.refuses("sweep", "--quiet", says="no model given")
        self.refuses("sweep", "--resume", self.dir, says="not the folder of a sweep")

    def test_a_folder_of_another_sweep_is_refused_with_the_difference(self):
        out = self.dir / "s"
        run("sweep", *SMALL, "--batch-size", "64,128", "--max-epochs", 1, "--out", out)
        before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
        self.refuses("sweep", *SMALL, "--batch-size", "64,256", "--max-epochs", 1, "--out", out,
                     says=("belongs to another sweep", "batch_size: [64, 128] there, [64, 256] here"))  # fmt: skip
        self.refuses("sweep", "--resume", out, "--seeds", 2, says="'seeds' cannot be changed")
        self.refuses("train", *SMALL, "--out", out, says="holds a sweep")
        single = self.dir / "single"
        run("train", *SMALL, "--max-epochs", 1, "--out", single)
        self.refuses("sweep", *SMALL, "--max-epochs", 1, "--out", single, says="already holds a run")
        self.assertEqual({p: p.read_bytes() for p in out.rglob("*") if p.is_file()}, before)

    def test_other_data_under_the_same_name_are_refused(self):
        data, out = self.dir / "jets.csv", self.dir / "s"
        command = ["sweep", "jsc-tiny", "--data", data, "--batch-size", "32,64", "--max-epochs", 1, "--quiet", "--out", out]
        run("data", "make", data, "--rows", 500, "--seed", 1)
        run(*command)
        (next(out.glob("trials/2*")) / "summary.json").unlink()
        run("data", "make", data, "--rows", 500, "--seed", 2)
        self.refuses(*command, says=("not the data that earlier trials were trained on", "expected hash"))

    def test_two_processes_cannot_work_on_one_sweep(self):
        out = self.dir / "s"
        command = ["sweep", "jsc-trt", "--data", "emulated:60000", "--batch-size", "16,32", "--max-epochs", 3, "--quiet", "--out", out]
        first = subprocess.Popen([JSC_TRAIN, *map(str, command)], stdout=subprocess.DEVNULL)
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        while not list(out.glob("trials/*")):
            time.sleep(0.005)
        self.refuses(*command, says="another jsc-train is working on this sweep")

    def test_a_full_disk_stops_the_sweep_which_goes_on_later(self):
        if os.environ.get("JSC_SANITIZED") == "thread":
            self.skipTest("LLVM's OpenMP maps a file of its own, which the limit cuts short")
        out = self.dir / "s"
        command = ["sweep", "--model", "jsc-tiny,jsc-test", *SMALL[1:], "--max-epochs", 1, "--out", out]
        # A limit on the size of files stands for a full disk: jsc-test's checkpoint does not fit.
        limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 40; exec "$@"', "bash", JSC_TRAIN, *command]
        done = subprocess.run([str(a) for a in limited], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("last.safetensors", done.stderr)
        self.assertFalse(list(out.rglob("failure.json")), "a full disk is not the trial's fault")
        run(*command)
        run(*command[:-1], self.dir / "whole")
        self.assertEqual(timeless(out / "table.csv"), timeless(self.dir / "whole" / "table.csv"))


    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_a_disk_too_full_for_a_page_costs_no_page(self):
        if os.environ.get("JSC_SANITIZED") == "thread":
            self.skipTest("LLVM's OpenMP maps a file of its own, which the limit cuts short")
        out = self.dir / "s"
        command = ["sweep", *SMALL, "--batch-size", "64,128", "--max-epochs", 1, "--out", out]
        limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 60; exec "$@"', "bash", JSC_TRAIN, *command]
        done = subprocess.run([str(a) for a in limited], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("report.html: cannot write", done.stderr)
        self.assertFalse(list(out.rglob("summary.json")))
        run(*command)
        self.assertEqual(len(list(out.glob("trials/*/report.html"))), 2)


if __name__ == "__main__":
    main()
