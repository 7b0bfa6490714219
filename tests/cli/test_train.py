"""jsc-train train, test, infer, inspect and models as a user runs them: files, numbers, resuming, bad input."""
import ast
import csv
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time

from cli import JSC_TRAIN, CliTest, main, read_safetensors, run

SMALL = ["--data", "emulated:6000:1", "--max-epochs", "3", "--batch-size", "128", "--quiet"]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def npy_header(path):
    """(version, header) of a .npy file by NumPy's published description; checks sizes."""
    raw = pathlib.Path(path).read_bytes()
    assert raw[:6] == b"\x93NUMPY"
    version = tuple(raw[6:8])
    start, encoding = {(1, 0): (10, "latin-1"), (3, 0): (12, "utf-8")}[version]
    end = start + int.from_bytes(raw[8:start], "little")
    text = raw[start:end].decode(encoding)
    assert end % 64 == 0 and text.endswith("\n") and text[:-1].isprintable(), text
    header = ast.literal_eval(text)
    assert len(raw) - end == header["shape"][0] * 4 * len(header["descr"])
    return version, header


def final_state(folder):
    """The bits that a run ends with: every tensor of last.safetensors, and what was measured."""
    metrics = read_csv(folder / "metrics.csv")
    for row in metrics:
        del row["seconds"], row["samples_per_second"]
    summary = json.loads((folder / "summary.json").read_text())
    for timing in ("seconds", "samples_per_second"):
        del summary[timing]
    return read_safetensors(folder / "last.safetensors")[1], metrics, summary


class Train(CliTest):
    def test_a_run_folder_holds_everything(self):
        out = self.dir / "run"
        text, _ = run("train", "jsc-toy", *SMALL, "--out", out)
        self.assertIn(f"run folder: {out}", text)
        names = {p.name for p in out.iterdir()}
        wanted = {"config.toml", "metrics.csv", "summary.json", "best.safetensors", "last.safetensors"}
        self.assertLessEqual(wanted, names)
        self.assertFalse([n for n in names if n.endswith(".tmp")])
        rows = read_csv(out / "metrics.csv")
        self.assertEqual([r["epoch"] for r in rows], ["0", "1", "2"])
        self.assertEqual(
            list(rows[0]),
            "epoch learning_rate train_loss train_accuracy val_loss val_accuracy seconds samples_per_second".split(),
        )
        self.assertLess(float(rows[2]["train_loss"]), float(rows[0]["train_loss"]))
        summary = json.loads((out / "summary.json").read_text())
        self.assertEqual(summary["model"], "jsc-toy")
        self.assertEqual(summary["parameters"], 327)
        self.assertEqual(summary["data"]["source"], "emulated:6000:1")
        self.assertEqual(summary["data"]["variant"], "emulated")
        self.assertEqual(
            [summary["data"][k] for k in ("rows_train", "rows_val", "rows_test")], [4320, 480, 1200]
        )
        best = min(range(3), key=lambda e: float(rows[e]["val_loss"]))
        self.assertEqual(summary["best_epoch"], best)
        self.assertEqual(summary["val_loss"], float(rows[best]["val_loss"]))
        for key in ("val_accuracy", "test_loss", "test_accuracy", "seconds", "samples_per_second", "weights_hash"):
            self.assertIn(key, summary)

    def test_plots_are_drawn_with_every_epoch(self):
        out = self.dir / "run"
        _, err = run("train", "jsc-tiny", *SMALL, "--out", out)
        if "gnuplot" in err:
            self.skipTest("gnuplot is not installed")
        for name in ("loss.svg", "accuracy.svg"):
            text = (out / name).read_text()
            self.assertIn("<svg", text)
            self.assertIn("validation", text)

    def test_a_checkpoint_is_a_safetensors_file_with_pytorch_names(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--out", out)
        metadata, tensors = read_safetensors(out / "best.safetensors")
        self.assertEqual(metadata["format"], "jsc-checkpoint")
        self.assertEqual(json.loads(metadata["classes"]), ["g", "q", "t", "w", "z"])
        shapes = {name: (dtype, shape) for name, (dtype, shape, _) in tensors.items()}
        self.assertEqual(
            shapes,
            {
                "seq_blocks.0.weight": ("F32", [16]),
                "seq_blocks.0.bias": ("F32", [16]),
                "seq_blocks.0.running_mean": ("F32", [16]),
                "seq_blocks.0.running_var": ("F32", [16]),
                "seq_blocks.0.num_batches_tracked": ("I64", []),
                "seq_blocks.2.weight": ("F32", [5, 16]),
                "seq_blocks.2.bias": ("F32", [5]),
                "scaler.mean": ("F64", [16]),
                "scaler.scale": ("F64", [16]),
            },
        )
        batches = (4320 + 127) // 128
        best_epoch = json.loads((out / "summary.json").read_text())["best_epoch"]
        self.assertEqual(tensors["seq_blocks.0.num_batches_tracked"][2], (batches * (best_epoch + 1),))

    def test_the_result_does_not_depend_on_threads_or_instruction_set(self):
        states = []
        for i, options in enumerate([["--threads", 1], ["--threads", 2], ["--threads", 2, "--cpu-mask", "portable"]]):
            out = self.dir / f"run{i}"
            run("train", "jsc-trt", "--data", "emulated:6000:1", "--max-epochs", 1, "--batch-size", 1200, "--quiet",
                "--out", out, *options)  # fmt: skip
            states.append(final_state(out))
        self.assertEqual(states[0], states[1])
        self.assertEqual(states[0], states[2])

    def test_openblas_that_mistakes_the_processor_is_named_and_not_used(self):
        if "avx2" not in pathlib.Path("/proc/cpuinfo").read_text().split():
            self.skipTest("needs a processor with AVX2")
        model = self.dir / "wide.toml"
        model.write_text('layers = [{ type = "linear", out = 1024 }, { type = "linear", out = 1024 }, '
                         '{ type = "linear", out = "classes" }]\n')  # fmt: skip
        hashes = {}
        for core, options in (("none", []), ("Prescott", ["--blas"]), ("Haswell", ["--blas"])):
            out = self.dir / core
            _, err = run("train", model, "--data", "emulated:2000:1", "--max-steps", 2, "--batch-size", 1024, "--no-report",
                         "--quiet", "--out", out, *options, env=os.environ | {"OPENBLAS_CORETYPE": core})  # fmt: skip
            warnings = [line for line in err.splitlines() if "OpenBLAS" in line]
            self.assertEqual(len(warnings), core == "Prescott", err)
            for words in ("Prescott", "OPENBLAS_CORETYPE=") if warnings else ():
                self.assertIn(words, warnings[0])
            hashes[core] = json.loads((out / "summary.json").read_text())["weights_hash"]
        self.assertEqual(hashes["Prescott"], hashes["none"])
        self.assertNotEqual(hashes["Haswell"], hashes["none"])  # or it is not used at all

    def test_a_seed_decides_the_result(self):
        hashes = []
        for i, seed in enumerate([1, 1, 2]):
            out = self.dir / f"run{i}"
            run("train", "jsc-tiny", *SMALL, "--seed", seed, "--out", out)
            hashes.append(json.loads((out / "summary.json").read_text())["weights_hash"])
        self.assertEqual(hashes[0], hashes[1])
        self.assertNotEqual(hashes[0], hashes[2])

    def interrupt(self, out, sign, after, *more):
        """Starts a training and sends it a signal some seconds after its folder is a run."""
        process = subprocess.Popen(
            [JSC_TRAIN, "train", "jsc-trt", "--data", "emulated:30000:3", "--max-epochs", "12", "--batch-size", "64",
             "--scheduler", "one-cycle", "--schedule-by", "step", "--threads", "1", "--out", out, *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.time() + 60
        while time.time() < deadline and not (out / "config.toml").exists() and process.poll() is None:
            time.sleep(0.002)
        time.sleep(after)
        process.send_signal(sign)
        _, err = process.communicate(timeout=60)
        return process.returncode, err

    def test_an_interrupted_run_resumes_to_the_same_bits(self):
        whole = self.dir / "whole"
        run("train", "jsc-trt", "--data", "emulated:30000:3", "--max-epochs", 12, "--batch-size", 64,
            "--scheduler", "one-cycle", "--schedule-by", "step", "--out", whole, "--quiet")  # fmt: skip
        wanted = final_state(whole)
        interrupted = 0
        for i, (sign, after) in enumerate([(signal.SIGKILL, 0), (signal.SIGINT, 0.013), (signal.SIGTERM, 0.05), (signal.SIGKILL, 0.031)]):
            out = self.dir / f"part{i}"
            code, err = self.interrupt(out, sign, after)
            if sign != signal.SIGKILL and code == 130:
                self.assertIn(f"--resume {out}", err)
            if code != 0:
                interrupted += 1
                run("train", "--resume", out, "--threads", 2, "--quiet")
            self.assertEqual(final_state(out), wanted)
        self.assertGreater(interrupted, 0, "no run was still going when its signal came")

    def test_a_run_stopped_before_its_first_state_resumes_from_its_beginning(self):
        loaded = self.dir / "loaded"
        model = self.dir / "own.toml"
        model.write_text('name = "own"\nlayers = [{ type = "linear", out = 8 }, { type = "relu" }, { type = "linear", out = "classes" }]\n')
        quantize = self.dir / "quantize.toml"
        quantize.write_text("[passes.quantize]\nby = 'type'\n[passes.quantize.default.config]\nname = 'integer'\n" + "".join(
            f"{tensor}_width = 8\n{tensor}_frac_width = 4\n" for tensor in ("data_in", "weight", "bias")))  # fmt: skip
        run("train", model, *SMALL, "--no-report", "--out", loaded)
        model.unlink()  # its checkpoint has it
        for i, what in enumerate((["jsc-tiny"], ["--load", loaded, "--config", quantize])):
            with self.subTest(what=what):
                whole, out = self.dir / f"whole{i}", self.dir / f"part{i}"
                run("train", *what, *SMALL, "--no-report", "--out", whole)
                # The configuration stands alone, as after a kill between it and the state.
                out.mkdir()
                shutil.copy(whole / "config.toml", out)
                self.refuses("train", *what, *SMALL, "--out", out, says="already holds a run")
                self.refuses("inspect", out, says=("nothing is trained yet", f"jsc-train train --resume {out}"))
                config = (out / "config.toml").read_bytes()
                run("train", "--resume", out, "--threads", 2, "--quiet")
                self.assertEqual(final_state(out), final_state(whole))
                self.assertEqual((out / "config.toml").read_bytes(), config)
                # A state that is missing beside others is damage.
                (out / "last.safetensors").unlink()
                self.refuses("train", "--resume", out, "--quiet", says="last.safetensors")

    def test_resume_removes_what_a_killed_process_was_writing(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--no-report", "--out", out)
        ended = subprocess.Popen(["true"])
        ended.wait()
        stale = out / f"last.safetensors.tmp-{ended.pid}-3"
        kept = [out / name for name in (f"report.html.tmp-{os.getpid()}-0", f"notes.tmp-{ended.pid}", f"a.tmp-{ended.pid}-x",
                                        f"b.tmp--{ended.pid}-1")]  # fmt: skip
        for file in (stale, *kept):
            file.write_bytes(b"x")
        run("train", "--resume", out, "--quiet")
        self.assertFalse(stale.exists())
        for file in kept:
            self.assertTrue(file.exists(), file)

    def test_a_finished_run_resumes_to_what_it_is(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--out", out)
        before = final_state(out)
        run("train", "--resume", out, "--quiet")
        self.assertEqual(final_state(out), before)

    def test_resume_refuses_other_settings_and_other_data(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--out", out)
        self.refuses("train", "--resume", out, "--learning-rate", "0.1", says=("learning_rate", "cannot be changed"))
        config = (out / "config.toml").read_text()
        (out / "config.toml").write_text(config.replace("emulated:6000:1", "emulated:6000:2"))
        self.refuses("train", "--resume", out, "--quiet", says=("not that of the interrupted run", "expected hash"))

    def edit(self, config, **changes):
        """Changes lines of a config.toml."""
        lines = config.read_text().splitlines()
        for key, text in changes.items():
            (at,) = (i for i, line in enumerate(lines) if line.startswith(key + " = "))
            lines[at] = f"{key} = {text}"
        config.write_text("\n".join(lines) + "\n")

    def test_resume_refuses_settings_that_were_edited_in_the_folder(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--no-report", "--out", out)
        config, before = out / "config.toml", final_state(out)
        for key, old, new in (("batch_size", "128", "1000"), ("learning_rate", "0.001", "0.1"), ("seed", "0", "1"),
                              ("model", "jsc-tiny", "jsc-toy"), ("split", "holdout", "mase"), ("scheduler", "cosine", "constant"),
                              ("max_epochs", "3", "4")):  # fmt: skip
            with self.subTest(key=key):
                text = config.read_text()
                self.edit(config, **{key: new if new.isdigit() or "." in new else f"'{new}'"})
                self.refuses("train", "--resume", out, "--quiet",
                             says=(str(config), f"'{key}': expected '{old}', found '{new}'", "as it was configured"))  # fmt: skip
                config.write_text(text)
        self.edit(config, threads=2, cpu_mask="'portable'", tensorboard="true")  # these do not change the result
        run("train", "--resume", out, "--quiet")
        self.assertEqual(final_state(out), before)

    def test_more_epochs_of_a_constant_schedule_are_what_a_longer_run_had_done(self):
        short, whole = self.dir / "short", self.dir / "whole"
        for out, epochs in ((short, 2), (whole, 3)):
            run("train", "jsc-tiny", *SMALL, "--max-epochs", epochs, "--scheduler", "constant", "--no-report", "--out", out)
        self.edit(short / "config.toml", max_epochs="3")
        run("train", "--resume", short, "--quiet")
        self.assertEqual(final_state(short), final_state(whole))

    def test_a_state_without_settings_resumes_where_its_position_fits(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--no-report", "--out", out)
        last, before = out / "last.safetensors", final_state(out)
        whole = last.read_bytes()
        (size,) = struct.unpack("<Q", whole[:8])
        for batch in (0, 33, 34, 1000, -1, 2**62):  # 34 batches an epoch
            with self.subTest(batch=batch):
                header = json.loads(whole[8 : 8 + size])
                metadata = header["__metadata__"]
                training = json.loads(metadata["training"])
                self.assertIn("batch_size", training.pop("settings"))
                metadata["training"] = json.dumps(training | {"batch": batch})
                metadata["version"] = "1"  # which has no hash of the content
                del metadata["content_hash"]
                text = json.dumps(header).encode()
                last.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + size :])
                if 0 <= batch < 34:
                    run("train", "--resume", out, "--quiet")
                    self.assertEqual(final_state(out), before)
                else:
                    self.refuses("train", "--resume", out, "--quiet",
                                 says=("last.safetensors", "expected 0 to 33 batches", f"found {batch}"))  # fmt: skip

    def test_patience_stops_early(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--max-epochs", 50, "--learning-rate", 1, "--patience", 2, "--out", out)
        summary = json.loads((out / "summary.json").read_text())
        self.assertLess(summary["epochs"], 50)
        self.assertEqual(summary["epochs"], summary["best_epoch"] + 3)

    def test_training_goes_on_from_loaded_weights(self):
        first, second = self.dir / "first", self.dir / "second"
        run("train", "jsc-toy", *SMALL, "--max-epochs", 10, "--out", first)
        run("train", "jsc-toy", *SMALL, "--max-epochs", 1, "--learning-rate", "1e-6", "--load", first, "--out", second)
        losses = [float(r["train_loss"]) for f in (first, second) for r in read_csv(f / "metrics.csv")]
        self.assertLess(losses[-1], losses[0] * 0.9)
        self.assertAlmostEqual(losses[-1], losses[-2], delta=0.05)

    def test_every_choice_of_optimizer_and_schedule_trains(self):
        for optimizer in ("adam", "adamw", "sgd"):
            for scheduler in ("constant", "cosine", "step", "one-cycle"):
                out = self.dir / f"{optimizer}-{scheduler}"
                run("train", "jsc-tiny", *SMALL, "--optimizer", optimizer, "--scheduler", scheduler, "--l1", "1e-5",
                    "--clip-norm", 1, "--label-smoothing", 0.05, "--class-weights", "1,2,1,1,0.5",
                    "--weight-decay", "1e-4", "--warmup", 0 if scheduler == "one-cycle" else 1,
                    "--out", out)  # fmt: skip
                rows = read_csv(out / "metrics.csv")
                self.assertLess(float(rows[-1]["val_loss"]), float(rows[0]["val_loss"]) + 1e-3, out)

    def test_config_files_come_between_defaults_and_flags(self):
        config = self.dir / "c.toml"
        config.write_text('model = "jsc-tiny"\nbatch_size = 512\nlearning_rate = 1e-2\ndata = "emulated:3000"\nmax_epochs = 2\n')
        out = self.dir / "run"
        _, err = run("train", "--config", config, "--batch-size", 64, "--out", out)
        row = next(line for line in err.splitlines() if line.startswith("| batch_size"))
        self.assertEqual([cell.strip() for cell in row.strip("|").split("|")], ["batch_size", "256", "512", "64", "64"])
        saved = (out / "config.toml").read_text()
        self.assertIn("batch_size = 64\n", saved)
        self.assertIn("learning_rate = 0.01\n", saved)
        self.assertIn("Config. File", err)
        # The saved file is a complete configuration: the same run again, to the bit.
        again = self.dir / "again"
        run("train", "--config", out / "config.toml", "--out", again, "--quiet")
        self.assertEqual(final_state(again), final_state(out))

    def test_networks_of_your_own(self):
        model = self.dir / "skip.toml"
        model.write_text(
            'name = "skip"\n'
            '[[layers]]\ntype = "linear"\nout = 12\nname = "a"\n'
            '[[layers]]\ntype = "relu"\n'
            '[[layers]]\ntype = "linear"\nout = 12\nname = "b"\n'
            '[[layers]]\ntype = "add"\ninputs = ["a", "b"]\n'
            '[[layers]]\ntype = "linear"\nout = "classes"\n'
        )
        text, _ = run("models", model)
        self.assertIn("skip: 425 parameters", text)
        out = self.dir / "run"
        run("train", model, *SMALL, "--out", out)
        result, _ = run("test", "--load", out, "--data", "emulated:6000:1", "--json")
        self.assertGreater(json.loads(result)["accuracy"], 0.3)

    def test_bad_input_is_one_line_and_leaves_nothing(self):
        out = self.dir / "run"
        here = ["--data", "emulated:2000", "--out", out]
        self.refuses("train", *here, says="no model given")
        self.refuses("train", "jsc-tyn", *here, says="did you mean 'jsc-tiny'?")
        self.refuses("train", "jsc-tiny", "--data", self.dir / "none.csv", "--out", out, says="none.csv")
        self.refuses("train", "jsc-tiny", *here, "--batch-size", "0", says=("--batch-size", "found 0"))
        self.refuses("train", "jsc-tiny", *here, "--batch-size", "ten", says="found 'ten'")
        self.refuses("train", "jsc-tiny", *here, "--learning-rate", "-1", says="--learning-rate")
        self.refuses("train", "jsc-tiny", *here, "--optimizer", "adamm", says=("adam, adamw, sgd", "found 'adamm'"))
        self.refuses("train", "jsc-tiny", *here, "--class-weights", "1,2", says="expected 5 numbers")
        self.refuses("train", "jsc-tiny", *here, "--cpu-mask", "sse9", says="found 'sse9'")
        self.refuses("train", "jsc-tiny", *here, "--max_epochs", "1", says="train: '--max_epochs' was not expected: did you mean '--max-epochs'?")
        self.refuses("train", "jsc-tiny", *here, "--frobnicate", says="jsc-train train --help")
        self.refuses("trian", "jsc-tiny", *here, says="'trian' was not expected: did you mean 'train'?")
        self.refuses("data", "mak", out, says="data: 'mak' was not expected: did you mean 'make'?")
        self.refuses("train", "jsc-tiny", "--data", "emulated:2", "--out", out, says=("emulated:2", "found 2 rows in all"))
        self.refuses("train", "jsc-tiny", "--data", "emulated:3", "--out", out, says="a batch of one")
        self.assertFalse(out.exists())
        config = self.dir / "c.toml"
        for text, words in [
            ("batch_sice = 3\n", ("line 1", "did you mean 'batch_size'?")),
            ("batch_size = \n", ("line 1",)),
            ("max_epochs = 2\nbatch_size = 1.5\n", ("line 2", "expected an integer", "found '1.5'")),
        ]:
            config.write_text(text)
            self.refuses("train", "jsc-tiny", *here, "--config", config, says=words)
        self.refuses("train", "jsc-tiny", *here, "--config", self.dir / "none.toml", says="none.toml")
        self.assertFalse(out.exists())

    def test_a_run_killed_in_its_first_epoch_can_be_resumed(self):
        out = self.dir / "run"
        args = ["train", "jsc-test", "--data", "emulated:200000", "--max-steps", 900, "--quiet", "--out"]
        process = subprocess.Popen([JSC_TRAIN, *map(str, args), out], stdout=subprocess.DEVNULL)
        while not (out / "last.safetensors").exists():
            time.sleep(0.005)
        process.kill()
        process.wait()
        self.assertIn("not finished", run("inspect", out)[0])
        run("train", "--resume", out, "--quiet")
        run(*args, self.dir / "whole")
        self.assertEqual(final_state(out), final_state(self.dir / "whole"))

    def test_bad_data_files_name_the_place(self):
        good = self.dir / "good.csv"
        run("data", "make", "--rows", 60, good)
        header, *rows = good.read_text().splitlines()
        out = self.dir / "run"
        bad = self.dir / "bad.csv"

        def changed(row, column, text):
            cells = rows[row].split(",")
            cells[column : column + 1] = text
            return [*rows[:row], ",".join(cells), *rows[row + 1 :]]

        for lines, words in [
            (changed(5, 3, ["abc"]), ("line 7", "column 4 'c1_b2_mmdt'", "expected a number", "found 'abc'")),
            (changed(5, 3, ["nan"]), ("line 7", "column 4", "expected a finite number")),
            (changed(5, 3, []), ("line 7", "expected 17 cells, found 16")),
            ([",".join(row.split(",")[:16]) + ",g" for row in rows], ("at least two classes", "'g'")),
            ([], ("line of names only",)),
        ]:
            bad.write_text("\n".join([header, *lines]) + "\n")
            self.refuses("train", "jsc-tiny", "--data", bad, "--out", out, "--quiet", says=("bad.csv", *words))
        bad.write_text("\n".join([header, *changed(5, 3, ["nan"])]) + "\n")
        _, err = run("train", "jsc-tiny", "--data", bad, "--non-finite", "drop", "--max-epochs", 1, "--out", out)
        self.assertIn("dropped 1 of 60 rows", err)
        bad.write_text("\n".join([header, *changed(5, 16, ["muon"])]) + "\n")
        self.refuses("test", "--load", out, "--data", bad, "--quiet", says=("unknown class 'muon'", "g, q, t, w"))

    def test_labels_that_are_most_likely_wrong_are_refused_or_told(self):
        good, bad, out = self.dir / "good.csv", self.dir / "bad.csv", self.dir / "run"
        run("data", "make", "--rows", 300, good)
        header, *rows = [line.rsplit(",", 1) for line in good.read_text().splitlines()]

        def write(last, numbers=True):
            number = {label: str(n) if numbers else label for n, label in enumerate("gqtwz")}
            lines = [header, *([x, number[label]] for x, label in rows[:-1]), [rows[-1][0], last]]
            bad.write_text("".join(",".join(line) + "\n" for line in lines))

        for label in ("-1", "1.5", "1000", "quark"):
            write(label)
            self.refuses("train", "jsc-tiny", "--data", bad, "--quiet", "--out", out,
                         says=("bad.csv, row 300: expected a class index from 0 to 999", f"'{label}'"))  # fmt: skip
        for label, numbers, words in (
            ("999", True, "994 of 1000 classes without any row: 5, 6, "),
            ("999", True, "1 of 1000 classes with hardly any row: 999 (1)"),
            ("quark", False, "1 of 6 classes with hardly any row: quark (1)"),
        ):
            write(label, numbers)
            for quiet in ([], ["--quiet"], ["--json"]):
                self.assertIn(f"warning: {bad}: {words}", run("data", "info", bad, *quiet)[1])
        self.assertNotIn("warning", run("data", "info", good)[1])

    def test_the_last_column_is_no_silent_label(self):
        run("data", "make", self.dir / "lonely.npy", "--rows", 300)
        self.assertNotIn("warning", run("data", "info", self.dir / "lonely.npy")[1])
        (self.dir / "lonely_y.npy").unlink()
        for quiet in ([], ["--quiet"]):
            _, err = run("train", "jsc-tiny", "--data", self.dir / "lonely.npy", "--max-steps", 1, "--no-report",
                         "--out", self.dir / f"run{len(quiet)}", *quiet)  # fmt: skip
            self.assertIn("lonely.npy: took the last column (16) as the label", err)

    def test_columns_of_one_name_are_refused(self):
        table = self.dir / "twice.csv"
        table.write_text("a,b,a,class\n1,2,3,x\n4,5,6,y\n")
        self.refuses("data", "info", table, says="twice.csv: expected different names of columns, found 'a' twice")

    def test_an_empty_value_is_not_the_default(self):
        for flag in ("--resume", "--config", "--out", "--load", "--data", "--batch-size"):
            self.refuses("train", "jsc-tiny", *SMALL, flag, "", says=flag)
        self.refuses("sweep", "--resume", "", says="--resume")
        self.refuses("infer", "--load", "", says="--load: expected a value, found none")

    def test_arguments_may_follow_flags(self):
        table = self.dir / "few.csv"
        run("data", "make", "--rows", 30, "--rows", 20, table)  # of a flag given twice, the last counts
        self.assertEqual(len(table.read_text().splitlines()), 21)
        run("train", *SMALL, "--no-nesterov", "--out", self.dir / "run", "jsc-tiny")
        self.assertIn("nesterov = false\n", (self.dir / "run" / "config.toml").read_text())
        text, _ = run("train", "--help")
        self.assertIn("--batch-size N ", text)
        self.assertNotIn("{false}", text)

    def test_bad_models_name_the_layer(self):
        model = self.dir / "m.toml"
        for text, words in [
            ('layers = [ { type = "linear", out = 4 } ]', ("one row a class (5), found 4")),
            ('layers = [ { type = "linaer", out = 5 } ]', ("layer 0", "did you mean 'linear'?")),
            ('layers = [ { type = "linear", outs = 5 } ]', ("unknown key 'outs'", "did you mean 'out'?")),
            ('layers = [ { type = "linear", out = 8, name = "a" }, { type = "add", inputs = ["a", "x"] } ]', ("found 8 and 16")),
            ('layers = [ { type = "relu", input = "y" } ]', ("no earlier layer 'y'",)),
            ('layers = [ { type = "dropout", p = 2 } ]', ("layer 0 (dropout)", "found 2")),
            ("name = 3\nlayers = []", ("m.toml': 'name' should be a string",)),
            ("layers = []", ("no list of layers",)),
            ("layers = [", ("line 1",)),
        ]:
            model.write_text(text)
            self.refuses("train", model, "--data", "emulated:2000", "--quiet", "--out", self.dir / "run", says=words)

    def test_a_folder_that_holds_a_run_is_not_overwritten(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", *SMALL, "--out", out)
        before = (out / "summary.json").read_bytes()
        self.refuses("train", "jsc-tiny", *SMALL, "--out", out, says=("already holds a run", "--resume"))
        self.assertEqual((out / "summary.json").read_bytes(), before)

    def test_a_folder_with_other_files_is_not_written_to(self):
        out, passes = self.dir / "mine", self.dir / "passes.toml"
        out.mkdir()
        run("train", "jsc-tiny", *SMALL, "--no-report", "--out", out)  # an empty one is fine
        shutil.rmtree(out)
        out.mkdir()
        (out / "report.html").write_text("mine")
        passes.write_text("[passes.report_graph]\n")
        for args in (["train", "jsc-tiny", *SMALL], ["transform", "jsc-tiny", "--config", passes, *SMALL[:2]],
                     ["sweep", "jsc-tiny", *SMALL], ["verify", "--load", self.dir / "none"]):  # fmt: skip
            with self.subTest(action=args[0]):
                self.refuses(*args, "--out", out, says=(f"{out}: expected a new or an empty folder", "'report.html'", "--out"))
        self.assertEqual([(p.name, p.read_text()) for p in out.iterdir()], [("report.html", "mine")])

    def test_of_two_trainings_into_one_folder_one_is_refused(self):
        out = self.dir / "run"
        wide = self.dir / "wide.toml"  # making it takes long, so that neither has begun when the other looks
        wide.write_text("layers = [" + '{ type = "linear", out = 2048 }, ' * 3 + '{ type = "linear", out = "classes" }]\n')
        both = [subprocess.Popen([JSC_TRAIN, "train", wide, "--data", "emulated:500", "--max-steps", "1", "--seed", str(seed),
                                  "--no-report", "--quiet", "--out", out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                for seed in (1, 2)]  # fmt: skip
        ended = sorted((process.wait(), process.stderr.read(), seed) for seed, process in enumerate(both, 1))
        for process in both:
            process.stderr.close()
        self.assertEqual([code for code, _, _ in ended], [0, 2], ended)
        self.assertRegex(ended[1][1], rf"^jsc-train: {out}: .*--out.*\n$")
        self.assertEqual(json.loads((out / "summary.json").read_text())["seed"], ended[0][2])
        self.assertIn(f"seed = {ended[0][2]}\n", (out / "config.toml").read_text())

    def test_an_output_folder_that_cannot_be_made(self):
        (self.dir / "file").write_text("")
        self.refuses("train", "jsc-tiny", *SMALL, "--out", self.dir / "file" / "run", says="cannot make the run folder")

    def test_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        if os.environ.get("JSC_SANITIZED") == "thread":
            self.skipTest("LLVM's OpenMP maps a file of its own, which the limit cuts short")
        # A limit on the size of files stands for a full disk: the checkpoint does not fit, the plain error says so.
        out = self.dir / "run"
        limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 4; exec "$@"', "bash", JSC_TRAIN, "train", "jsc-test", *SMALL,
                   "--out", out]  # fmt: skip
        done = subprocess.run([str(a) for a in limited], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("last.safetensors", done.stderr)
        self.assertEqual([p.name for p in out.iterdir()], ["config.toml"], "a half-written checkpoint, or no run to resume")

    def test_a_diverging_training_stops_and_keeps_the_last_good_checkpoint(self):
        out = self.dir / "run"
        args = ["train", "jsc-hls4ml", *SMALL, "--optimizer", "sgd", "--scheduler", "constant", "--out", out]
        _, err = run(*args, "--learning-rate", "1e30", code=2)
        self.assertRegex(err, r"the loss is .*(nan|inf).* at step \d+")
        self.assertEqual(len(err.splitlines()), 1)


class Others(CliTest):
    @classmethod
    def setUpClass(cls):
        import tempfile

        cls.home = tempfile.TemporaryDirectory(prefix="jsc-cli-")
        cls.run_folder = pathlib.Path(cls.home.name) / "run"
        run("train", "jsc-toy", *SMALL, "--out", cls.run_folder)

    @classmethod
    def tearDownClass(cls):
        cls.home.cleanup()

    def test_test_repeats_what_training_reported(self):
        summary = json.loads((self.run_folder / "summary.json").read_text())
        result = json.loads(run("test", "--load", self.run_folder, "--data", "emulated:6000:1", "--json")[0])
        self.assertEqual(result["accuracy"], summary["test_accuracy"])
        self.assertEqual(result["loss"], summary["test_loss"])
        self.assertEqual(sum(map(sum, result["confusion"])), 1200)
        right = sum(result["confusion"][c][c] for c in range(5))
        self.assertEqual(right / 1200, result["accuracy"])
        named, _ = run("test", "jsc-toy", "--load", self.run_folder / "best.safetensors", "--data", "emulated:6000:1")
        self.assertIn(f"accuracy {result['accuracy']:.4f}", named)

    def test_a_loaded_run_brings_its_data(self):
        table, out = self.dir / "jets.csv", self.dir / "run"
        run("data", "make", table, "--rows", 2000, "--seed", 4)
        header, *lines = table.read_text().splitlines()
        lines[3] = "nan," + lines[3].split(",", 1)[1]
        table.write_text("\n".join([header.replace("class", "kind"), *lines, lines[0]]) + "\n")
        passes = self.dir / "passes.toml"
        passes.write_text("[passes.report_graph]\n")
        run("train", "jsc-tiny", "--data", table, "--label", "kind", "--drop-duplicates", "--non-finite", "drop",
            "--split", "mase", "--max-epochs", 1, "--no-report", "--quiet", "--out", out)  # fmt: skip
        summary = json.loads((out / "summary.json").read_text())
        for load in (out, out / "best.safetensors"):
            result = json.loads(run("test", "--load", load, "--json")[0])
            self.assertEqual(result["data"]["hash"], summary["data"]["hash"])
            self.assertEqual((result["loss"], result["data"]["rows"]), (summary["test_loss"], summary["data"]["rows_test"]))
        self.assertIn(f"data   {table}: {result['data']['rows']} rows (test)\n", run("test", "--load", out)[0])
        self.assertNotIn("data ", run("test", "--load", out, "--quiet")[0])
        rows = json.loads(run("test", "--load", out, "--split", "holdout", "--rows", "validation", "--json")[0])["data"]
        self.assertEqual((rows["source"], rows["rows"]), (str(table), 160))  # a flag beside the run's data
        run("transform", "--load", out, "--config", passes, "--quiet", "--out", self.dir / "transformed")
        made = json.loads((self.dir / "transformed" / "summary.json").read_text())
        self.assertEqual(made["data"]["source"], str(table))
        run("train", "--load", out, "--max-epochs", 1, "--no-report", "--quiet", "--out", self.dir / "on")
        on = json.loads((self.dir / "on" / "summary.json").read_text())
        self.assertEqual(on["data"], summary["data"])
        other = json.loads(run("test", "--load", out, "--data", "emulated:3000", "--json")[0])
        self.assertEqual(other["data"]["source"], "emulated:3000:0")
        table.rename(self.dir / "moved.csv")
        self.refuses("test", "--load", out, says=("run/config.toml: expected the data of the run at", "jets.csv", "--data"))

    def test_any_rows_are_tested(self):
        counts = {}
        for rows in ("train", "validation", "test", "all"):
            result = json.loads(run("test", "--load", self.run_folder, "--rows", rows, "--json")[0])
            counts[rows] = sum(map(sum, result["confusion"]))
        self.assertEqual(counts, {"train": 4320, "validation": 480, "test": 1200, "all": 6000})

    def test_test_refuses_what_does_not_fit(self):
        self.refuses("test", says="--load is needed")
        self.refuses("test", "jsc-tiny", "--load", self.run_folder, "--quiet", says=("holds the model 'jsc-toy'",))
        self.refuses("test", "--load", self.dir, says="is it a run folder?")
        damaged = bytearray((self.run_folder / "best.safetensors").read_bytes())
        damaged[-9] ^= 1
        bad = self.dir / "bad.safetensors"
        bad.write_bytes(damaged)
        # The last bytes are the scaler's or a weight's; either the hash or the bits of the result must tell.
        whole = (self.run_folder / "best.safetensors").read_bytes()
        for size in (0, 5, 8, 100, len(whole) // 2, len(whole) - 1):
            bad.write_bytes(whole[:size])
            self.refuses("test", "--load", bad, says="bad.safetensors")
        bad.write_bytes(struct.pack("<Q", 2**60) + whole[8:])
        self.refuses("test", "--load", bad, says="its header should be")

    def test_a_flipped_bit_is_found_by_the_hash(self):
        good = (self.run_folder / "best.safetensors").read_bytes()
        (size,) = struct.unpack("<Q", good[:8])
        header = json.loads(good[8 : 8 + size])
        numbers = [8 + size + header[name]["data_offsets"][0] for name in ("seq_blocks.2.weight", "scaler.mean", "scaler.scale")]
        names = [good.index(text) + 1 for text in (b'model_toml":', b'content_hash":', b'weights_hash":', b'jsc-toy"')]
        bad, out = self.dir / "bad.safetensors", self.dir / "p.csv"
        for at in numbers + names:
            with self.subTest(at=good[at : at + 10]):
                bad.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
                says = "has no 'content_hash'" if good[at:].startswith(b"ontent_hash") else "does not match its hash"
                self.refuses("inspect", bad, says=("bad.safetensors", says))
                self.refuses("test", "--load", bad, "--data", "emulated:2000:1", "--quiet", says=says)
                self.refuses("infer", "--load", bad, "--data", "emulated:2000:1", "--out", out, "--quiet", says=says)
        self.assertFalse(out.exists())

    def test_infer_writes_the_same_predictions_to_csv_and_npy(self):
        table, array = self.dir / "p.csv", self.dir / "p.npy"
        data = ["--data", "emulated:5000:9"]
        run("infer", "--load", self.run_folder, *data, "--out", table)
        run("infer", "--load", self.run_folder, *data, "--out", array)
        rows = read_csv(table)
        self.assertEqual(len(rows), 5000)
        self.assertEqual(list(rows[0]), ["class", "g", "q", "t", "w", "z"])
        raw = array.read_bytes()
        self.assertEqual(raw[:8], b"\x93NUMPY\x01\x00")
        (size,) = struct.unpack("<H", raw[8:10])
        self.assertEqual((10 + size) % 64, 0)
        self.assertIn("'shape': (5000,)", raw[10 : 10 + size].decode())
        records = list(struct.iter_unpack("<i5f", raw[10 + size :]))
        self.assertEqual(len(records), 5000)
        for row, record in zip(rows, records):
            probabilities = [float(row[c]) for c in "gqtwz"]
            self.assertAlmostEqual(sum(probabilities), 1, places=5)
            self.assertEqual("gqtwz"[record[0]], row["class"])
            self.assertEqual(record[0], probabilities.index(max(probabilities)))
            for a, b in zip(probabilities, record[1:]):
                self.assertEqual(struct.pack("<f", a), struct.pack("<f", b))

    def test_infer_takes_columns_by_name_and_needs_no_label(self):
        whole = self.dir / "jets.csv"
        run("data", "make", whole, "--rows", 50, "--seed", 4, "--quiet")
        lines = [line.split(",") for line in whole.read_text().splitlines()]
        turned = self.dir / "turned.csv"
        turned.write_text("".join(",".join(reversed(line[:16])) + "\n" for line in lines))
        outputs = []
        for data in (whole, turned):
            out = self.dir / (data.stem + "_p.csv")
            run("infer", "--load", self.run_folder, "--data", data, "--out", out, "--quiet")
            outputs.append(out.read_text())
        self.assertEqual(outputs[0], outputs[1])
        narrow = self.dir / "narrow.csv"
        narrow.write_text("".join(",".join(line[:15]) + "\n" for line in lines))
        self.refuses("infer", "--load", self.run_folder, "--data", narrow, "--out", self.dir / "n.csv", says="multiplicity")
        self.assertFalse((self.dir / "n.csv").exists())
        self.refuses("infer", "--load", self.run_folder, "--out", self.dir / "n.txt", says=".csv or .npy")

    def test_infer_does_not_overwrite_what_it_reads(self):
        table, array = self.dir / "jets.csv", self.dir / "X.npy"
        for file in (table, array):
            run("data", "make", file, "--rows", 50, "--quiet")
        labels = self.dir / "y.npy"
        (self.dir / "link.csv").symlink_to(table)
        before = [file.read_bytes() for file in (table, array, labels)]
        for data, out in ((table, table), (table, f"{self.dir}/./jets.csv"), (table, self.dir / "link.csv"), (array, array),
                          (array, labels), (f"{array},{labels}", array), (f"{array},{labels}", labels)):  # fmt: skip
            with self.subTest(data=data, out=out):
                self.refuses("infer", "--load", self.run_folder, "--data", data, "--out", out, says=(str(out), "--data reads"))
        self.assertEqual([file.read_bytes() for file in (table, array, labels)], before)

    def test_an_interrupted_infer_leaves_nothing(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(sign=sign):
                folder = self.dir / sign.name
                folder.mkdir()
                process = subprocess.Popen(
                    [JSC_TRAIN, "infer", "--load", self.run_folder, "--data", "emulated:2000000", "--quiet", "--threads", "1",
                     "--out", folder / "p.csv"], stderr=subprocess.PIPE, text=True)  # fmt: skip
                while process.poll() is None and not list(folder.iterdir()):
                    time.sleep(0.002)
                process.send_signal(sign)
                _, err = process.communicate(timeout=60)
                self.assertEqual((process.returncode, err), (130, f"interrupted: {folder}/p.csv is not written\n"))
                self.assertEqual(list(folder.iterdir()), [])

    def test_infer_keeps_odd_class_names_apart(self):
        data, net, folder = self.dir / "odd.csv", self.dir / "net.toml", self.dir / "run"
        net.write_text('layers = [{ type = "linear", out = "classes" }]\n')
        data.write_text("u,v,class\n" + "".join(f"{i % 7},{i % 5},b's\n{i % 7},{i % 4},\"a,1\"\n" for i in range(100)))
        run("train", net, "--data", data, "--max-epochs", 1, "--quiet", "--out", folder)
        run("infer", "--load", folder, "--data", data, "--out", self.dir / "p.csv", "--quiet")
        rows = read_csv(self.dir / "p.csv")
        self.assertEqual(set(rows[0]), {"class", "a,1", "b's"})
        self.assertLessEqual({row["class"] for row in rows}, {"a,1", "b's"})
        run("infer", "--load", folder, "--data", data, "--out", self.dir / "p.npy", "--quiet")
        version, header = npy_header(self.dir / "p.npy")
        self.assertEqual(version, (1, 0))
        self.assertEqual({name for name, _ in header["descr"]}, {"class", "p_a,1", "p_b's"})

    def test_infer_writes_class_names_that_are_not_ascii_to_npy(self):
        data, net, folder = self.dir / "names.csv", self.dir / "net.toml", self.dir / "run"
        net.write_text('layers = [{ type = "linear", out = "classes" }]\n')
        names = ["τ→3μ", "größe", "tab\there", "back\\'s", "del\x7f"]
        data.write_text("u,v,class\n" + "".join(f"{i % 7},{i % 3},{names[i % 5]}\n" for i in range(200)), encoding="utf-8")
        run("train", net, "--data", data, "--max-epochs", 1, "--quiet", "--out", folder)
        run("infer", "--load", folder, "--data", data, "--out", self.dir / "p.npy", "--quiet")
        version, header = npy_header(self.dir / "p.npy")
        self.assertEqual(version, (3, 0))
        self.assertEqual({name for name, _ in header["descr"]}, {"class", *("p_" + name for name in names)})
        self.assertEqual(header["shape"], (200,))

    def test_names_that_are_not_utf8_are_refused_before_training(self):
        data = self.dir / "latin.csv"
        rows = "".join(f"{i % 7},{i % 5},a\n{i % 7},{i % 4},b\n" for i in range(100))
        data.write_bytes("größe,x,class\n".encode("latin-1") + rows.encode())
        net = self.dir / "net.toml"
        net.write_text('layers = [{ type = "linear", out = "classes" }]\n')
        self.refuses("train", net, "--data", data, "--quiet", "--out", self.dir / "run", says="UTF-8", errors="replace")
        self.assertFalse((self.dir / "run").exists())

    def test_inspect_shows_runs_and_checkpoints(self):
        text, _ = run("inspect", self.run_folder)
        for words in ("seq_blocks.5.weight", "[8, 8]", "Val. loss", "jsc-toy"):
            self.assertIn(words, text)
        content = json.loads(run("inspect", self.run_folder, "--json")[0])
        self.assertEqual(content["tensors"]["seq_blocks.0.running_var"]["shape"], [16])
        self.assertEqual(content["run"]["epochs"], 3)
        self.refuses("inspect", self.dir / "none.safetensors", says="none.safetensors")

    def test_models_lists_the_zoo(self):
        listed = {m["model"]: m["parameters"] for m in json.loads(run("models", "--json")[0])}
        self.assertEqual(
            listed,
            {"jsc-tiny": 117, "jsc-tiny-127": 127, "jsc-toy": 327, "jsc-test": 11015, "jsc-s": 5615, "jsc-trt": 3231,
             "jsc-hls4ml": 4389},
        )  # fmt: skip
        toml = self.dir / "copy.toml"
        toml.write_text(run("models", "jsc-s", "--toml")[0])
        self.assertIn("5,615 parameters", run("models", toml)[0])

    def test_data_sets_made_in_three_formats_are_one(self):
        hashes = set()
        for name in ("jets.csv", "jets.h5", "jets.npy"):
            run("data", "make", self.dir / name, "--rows", 700, "--seed", 5)
            info = json.loads(run("data", "info", self.dir / name, "--json")[0])
            self.assertEqual(info["rows"], 700)
            self.assertEqual(info["duplicates"], 0)
            if not name.endswith(".npy"):  # an array has no names
                hashes.add(info["hash"])
        hashes.add(json.loads(run("data", "info", "emulated:700:5", "--json")[0])["hash"])
        self.assertEqual(len(hashes), 1)
        text, _ = run("data", "info", self.dir / "jets.csv")
        for words in ("700 rows", "mass_mmdt", "duplicate rows: 0"):
            self.assertIn(words, text)
        self.refuses("data", "make", self.dir / "jets.xyz", says=".csv")

    def test_help_and_version(self):
        text, _ = run("--help")
        for action in ("train", "test", "infer", "inspect", "models", "data"):
            self.assertIn(action, text)
            self.assertIn("--help", run(action, "--help")[0])
        self.assertRegex(run("--version")[0], r"jsc-train \d+\.\d+")
        self.refuses("trian", says="trian")

    def test_the_signature_is_the_stored_one_on_every_path(self):
        wanted = (pathlib.Path(__file__).parent / "signature.txt").read_text().split()[0]
        for mask in ("portable", "avx2", "avx512"):
            for threads in (1, 2):
                args = [JSC_TRAIN, "--signature", "--cpu-mask", mask, "--threads", str(threads)]
                done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
                if done.returncode == 2 and "this processor has no" in done.stderr:
                    continue
                self.assertEqual(done.stdout.strip(), wanted, f"{mask}, {threads} threads; {done.stderr}")


if __name__ == "__main__":
    main()
