"""From a trained network to integers, as a user goes: transform, quantization-aware training, verify, infer, inspect."""
import csv
import json
import math
import os
import shutil
import signal
import struct
import pathlib
import subprocess
import tempfile
import time
import unittest

from cli import JSC_TRAIN, CliTest, main, read_safetensors, run
from integer_oracle import IntegerOracle

JETS = ["--data", "emulated:4000:1"]
TRAIN = [*JETS, "--max-epochs", 2, "--batch-size", 128, "--quiet"]
WIDTHS = """name = "integer"
data_in_width = {0}
data_in_frac_width = {1}
weight_width = {0}
weight_frac_width = {1}
bias_width = {0}
bias_frac_width = {1}
"""
INTEGER_8_4 = WIDTHS.format(8, 4)
ALL = "[passes.quantize]\nby = 'type'\n[passes.quantize.default.config]\n"
CALIBRATE = "[passes.calibrate]\nmethod = 'mse'\n"
CALIBRATED_8 = ALL + WIDTHS.format(8, '"NA"') + CALIBRATE
# Everything that training can decide, in four bits.
LEARNED_4 = ("[passes.fold_batch_norm]\ntrain = true\n" + ALL + WIDTHS.format(4, '"NA"') + 'ranges = "learned"\n' +
             CALIBRATE)
STOCHASTIC = "[passes.quantize]\nby = 'type'\n[passes.quantize.linear.config]\nname = 'binary'\n" + "".join(
    f"{tensor}_width = {width}\n{tensor}_stochastic = true\n{tensor}_bipolar = true\n"
    for tensor, width in (("data_in", 32), ("weight", 1), ("bias", 32)))
ACCUM = ALL + WIDTHS.format(16, 10) + 'accum = "fixed<16,6>"\n'

# MASE's configs/examples/jsc_toy_by_type.toml: its keys and tables.
MASE_FILE = """
model = "jsc-tiny"
dataset = "jsc"
task = "cls"
max_epochs = 5
batch_size = 512
learning_rate = 1e-2
accelerator = "gpu"
project = "jsc-tiny"
seed = 42
log_every_n_steps = 5

[passes.quantize]
by = "type"
report = true
[passes.quantize.default.config]
name = "NA"
[passes.quantize.linear.config]
name = "integer"
"data_in_width" = 8
"data_in_frac_width" = 4
"weight_width" = 8
"weight_frac_width" = 4
"bias_width" = 8
"bias_frac_width" = 4

[search.search_space]
name = "graph/quantize/mixed_precision_ptq"
[search.search_space.setup]
by = "name"
[search.search_space.seed.default.config]
name = ["NA"]
[search.search_space.seed.linear.config]
name = ["integer"]
data_in_width = [4, 8]
data_in_frac_width = ["NA"]
weight_width = [2, 4, 8]
weight_frac_width = ["NA"]
bias_width = [2, 4, 8]
bias_frac_width = ["NA"]
[search.strategy]
name = "optuna"
eval_mode = true
"""

SKIP = """
layers = [
  { type = "linear", out = 12 },
  { type = "batch_norm" },
  { type = "relu", name = "first" },
  { type = "linear", out = 12 },
  { type = "add", inputs = ["first", "seq_blocks.3"], name = "joined" },
  { type = "linear", out = "classes" },
]
"""

MATMUL = """
layers = [
  { type = "batch_norm" },
  { type = "matmul", out = 24 },
  { type = "relu", name = "first" },
  { type = "matmul", out = 24, name = "mix" },
  { type = "add", inputs = ["first", "mix"] },
  { type = "matmul", out = "classes", name = "matmul" },
]
"""
MODELS = {"skip": SKIP, "matmul": MATMUL}

# One format for each part of jsc-toy: other widths, roundings, overflows, an output quantizer, an accumulator.
BY_REGEX = """
[passes.quantize]
by = "regex_name"
[passes.quantize."seq_blocks_[0-2]".config]
name = "integer"
data_in_width = 12
data_in_frac_width = 7
weight_width = 8
weight_frac_width = 5
bias_width = 10
bias_frac_width = 6
data_in_rounding = "TRN"
data_out_width = 8
data_out_frac_width = 5
data_out_rounding = "RND_MIN_INF"
data_out_overflow = "SAT_SYM"
[passes.quantize."seq_blocks_[3-5]".config]
name = "fixed"
data_in_width = 9
data_in_frac_width = 5
weight_width = 7
weight_frac_width = 5
bias_width = 7
bias_frac_width = 5
data_in_rounding = "RND_INF"
accum = "fixed<9,2,RND_ZERO,WRAP>"
[passes.quantize.default.config]
name = "integer"
data_in_width = 8
data_in_frac_width = 4
weight_width = 6
weight_frac_width = 4
bias_width = 8
bias_frac_width = 4
weight_overflow = "SAT_ZERO"
data_in_overflow = "SAT_ZERO"
"""


def by_name(*parts):
    return "[passes.quantize]\nby = 'name'\n" + "".join(
        f"[passes.quantize.{node}.config]\n{WIDTHS.format(width, fraction)}" for node, width, fraction in parts
    )


class QuantizeTest(CliTest):
    def file(self, text, name="q.toml"):
        path = self.dir / name
        path.write_text(text)
        return path

    def trained(self, model="jsc-toy", *more):
        """A trained float network, once for each model."""
        folder = self.dir / "float"
        if not folder.exists():
            run("train", model, *TRAIN, *more, "--out", folder)
        return folder

    def quantized(self, text, model="jsc-toy"):
        out = self.dir / f"quantized{len(list(self.dir.iterdir()))}"
        run("transform", "--load", self.trained(model), "--config", self.file(text), *JETS, "--quiet", "--out", out)
        return out

    def certificate(self, folder, *more, code=0):
        printed, _ = run("verify", "--load", folder, *JETS, "--json", *more, code=code)
        certificate = json.loads(printed)
        self.assertEqual(certificate["verified"], code == 0)
        return certificate


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def weights(folder, which="best"):
    return read_safetensors(folder / f"{which}.safetensors")


class Verify(QuantizeTest):
    def test_the_certificate_says_what_was_compared(self):
        folder = self.quantized(CALIBRATED_8)
        certificate = self.certificate(folder)
        on_disk = json.loads((folder / "certificate.json").read_text())
        self.assertEqual(on_disk, certificate)
        self.assertEqual(
            set(certificate),
            {"verified", "jsc", "model", "checkpoint", "weights_hash", "program_hash", "data", "values_compared",
             "executors", "mismatches", "first_divergence", "float", "quantized", "class_changed", "formats",
             "ledger", "seconds"},
        )  # fmt: skip
        self.assertEqual(certificate["mismatches"], 0)
        self.assertIsNone(certificate["first_divergence"])
        self.assertEqual(certificate["model"], "jsc-toy")
        self.assertEqual(certificate["executors"][0], "reference")
        self.assertEqual(certificate["weights_hash"], weights(folder)[0]["weights_hash"])
        metadata, tensors = read_safetensors(folder / "integer.safetensors")
        self.assertEqual(certificate["program_hash"], metadata["program_hash"])
        data = certificate["data"]
        self.assertEqual((data["source"], data["which"], data["rows"]), ("emulated:4000:1", "all", 4000))
        program = json.loads(metadata["program"])
        self.assertEqual([e["value"] for e in certificate["ledger"]], [v["name"] for v in program["values"]])
        self.assertEqual([e["numbers"] for e in certificate["ledger"]],
                         [4000 * v["features"] for v in program["values"]])
        self.assertEqual(certificate["values_compared"], sum(e["numbers"] for e in certificate["ledger"]))
        for entry in certificate["ledger"]:
            (low, high), (least, most) = entry["observed"], entry["proven"]
            self.assertTrue(least <= low <= high <= most, entry)
            self.assertGreaterEqual(entry["headroom_bits"], 0)
        sums = [e for e in certificate["ledger"] if e["operation"] in ("dense", "scale_shift")]
        self.assertEqual([e["excess_bits"] for e in sums], [0] * 7)
        answers = [[row["class"] for row in self.predictions(f)] for f in (folder, self.trained())]
        changed = sum(a != b for a, b in zip(*answers))
        self.assertEqual(certificate["class_changed"], changed)
        self.assertGreater(changed, 0)
        tested = run("test", "--load", folder, "--quiet", *JETS)[0]
        rows = self.certificate(folder, "--rows", "test", "--out", self.dir / "elsewhere")
        self.assertIn(f"accuracy {rows['quantized']['accuracy']:.4f}", tested)
        self.assertEqual(rows["data"]["rows"], 800)
        self.assertTrue((self.dir / "elsewhere" / "integer.safetensors").exists())
        # The weights are codes of their formats, nearest to the floats.
        _, floats = weights(folder)
        (step,) = [i for i, s in enumerate(program["steps"]) if s["operation"] == "dense" and i < 4]
        width, integer = map(int, certificate["formats"]["seq_blocks.2.weight"].split("<")[1].split(",")[:2])
        expected = [max(-128, min(127, round(w * 2.0 ** (width - integer)))) for w in floats["seq_blocks.2.weight"][2]]
        self.assertEqual(list(tensors[f"steps.{step}.weight"][2]), expected)

    def predictions(self, load, data="emulated:4000:1", out="p.csv"):
        run("infer", "--load", load, "--data", data, "--out", self.dir / out, "--quiet")
        return read_csv(self.dir / out)

    def test_the_integer_file_answers_as_the_quantized_network_and_as_an_independent_program(self):
        """Exact: ranges and counts of every intermediate value, every difference of logits, every class."""
        configs = {
            "calibrated": (CALIBRATED_8, "jsc-toy"),
            "integer (8,4)": (ALL + INTEGER_8_4, "jsc-toy"),
            "sums beyond float32": (ALL + WIDTHS.format(16, 10), "jsc-toy"),
            "accum": (ACCUM, "jsc-toy"),
            "mixed": (BY_REGEX, "jsc-toy"),
            "skip": ("[passes.fold_batch_norm]\n" + ALL + WIDTHS.format(8, 5) + "data_in_signed = true\n", "skip"),
            "matmul": (CALIBRATED_8, "matmul"),
            "matmul, accum": (ACCUM + "data_out_width = 11\ndata_out_frac_width = 6\n", "matmul"),
        }
        jets = self.dir / "jets.csv"
        run("data", "make", jets, "--rows", 150, "--seed", 9, "--quiet")
        rows = read_csv(jets)
        for name, (config, model) in configs.items():
            with self.subTest(name):
                if model in MODELS:
                    shutil.rmtree(self.dir / "float")
                    model = self.file(MODELS[model], f"{model}.toml")
                folder = self.quantized(config, model)
                certificate = self.certificate(folder, "--data", jets)
                integer = folder / "integer.safetensors"
                self.predictions(folder, jets, "graph.csv")
                predictions = self.predictions(integer, jets, "integer.csv")
                self.assertEqual((self.dir / "graph.csv").read_bytes(), (self.dir / "integer.csv").read_bytes())
                oracle = IntegerOracle(integer)
                values = [oracle.run(oracle.scaled(row)) for row in rows]
                for v, entry in enumerate(certificate["ledger"]):
                    numbers = [n for sample in values for n in sample[v]]
                    self.assertEqual([min(numbers), max(numbers)], entry["observed"], entry["value"])
                result = oracle.program["result"]
                fraction = oracle.program["values"][result]["fraction"]
                exact = 0
                for sample, row in zip(values, predictions):
                    logits = sample[result]
                    self.assertEqual(row["class"], oracle.classes[logits.index(max(logits))])
                    probabilities = [float(row[c]) for c in oracle.classes]
                    best = probabilities.index(max(probabilities))
                    for p, logit in zip(probabilities, logits):
                        difference = (logit - logits[best]) / 2.0**fraction
                        if p > 1e-30:
                            self.assertAlmostEqual(math.log(p / probabilities[best]), difference, delta=2e-5)
                            # On a grid coarser than softmax's rounding the integers themselves come out.
                            if fraction <= 10:
                                self.assertEqual(round(math.log(p / probabilities[best]) * 2**fraction),
                                                 logit - logits[best])
                                exact += 1
                self.assertTrue(exact > 0 or fraction > 10)

    def test_the_quantized_accuracy_is_that_of_the_integers(self):
        """Two logits of 29 bits that differ by less than float32 tells."""
        jets, net, bare = self.dir / "close.csv", self.dir / "net.toml", self.dir / "bare.safetensors"
        jets.write_text("u,v,class\n" + "".join(f"{i % 7},{i % 11},{'ab'[i % 11 > 5]}\n" for i in range(300)))
        net.write_text('layers = [{ type = "linear", out = "classes", bias = false }]\n')
        weight = struct.pack("<4f", 1, 0, 1, 2**-24)
        header = json.dumps({"seq_blocks.0.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
        bare.write_bytes(struct.pack("<Q", len(header)) + header + weight)
        config = self.file(ALL + WIDTHS.format(26, 24).replace("data_in_frac_width = 24", "data_in_frac_width = 4"))
        folder = self.dir / "close"
        run("transform", net, "--load", bare, "--config", config, "--data", jets, "--quiet", "--out", folder)
        certificate = json.loads(run("verify", "--load", folder, "--data", jets, "--json")[0])
        integer, graph = (self.predictions(load, jets) for load in (folder / "integer.safetensors", folder))
        self.assertNotEqual(integer, graph)
        self.assertEqual(certificate["quantized"]["accuracy"],
                         sum(row["class"] == jet["class"] for row, jet in zip(integer, read_csv(jets))) / 300)

    def test_the_oracle_sees_a_changed_weight_and_another_rounding(self):
        folder = self.quantized(CALIBRATED_8)
        self.certificate(folder)
        oracle = IntegerOracle(folder / "integer.safetensors")
        jets = self.dir / "jets.csv"
        run("data", "make", jets, "--rows", 20, "--seed", 9, "--quiet")
        rows = [oracle.scaled(row) for row in read_csv(jets)]
        before = [oracle.run(x) for x in rows]
        dtype, shape, numbers = oracle.tensors["steps.3.weight"]
        oracle.tensors["steps.3.weight"] = (dtype, shape, [numbers[0] ^ 1, *numbers[1:]])
        self.assertNotEqual([oracle.run(x) for x in rows], before)
        oracle.tensors["steps.3.weight"] = (dtype, shape, numbers)
        self.assertEqual([oracle.run(x) for x in rows], before)
        oracle.program["inputs"][0]["format"] = oracle.program["inputs"][0]["format"].replace("RND_CONV", "TRN")
        self.assertNotEqual([oracle.run(x) for x in rows], before)

    def test_the_same_certificate_for_every_number_of_threads_and_every_instruction_set(self):
        for config in (CALIBRATED_8, BY_REGEX):
            folder = self.quantized(config)
            found = []
            for more in (["--threads", 1], ["--threads", 2], ["--cpu-mask", "portable"], ["--cpu-mask", "avx2"]):
                out = self.dir / "c"
                certificate = self.certificate(folder, "--out", out, *more)
                del certificate["seconds"], certificate["executors"]
                found.append((certificate, (out / "integer.safetensors").read_bytes()))
            self.assertEqual(found, [found[0]] * 4)

    def test_planted_faults_are_caught_or_have_no_effect(self):
        for config in (CALIBRATED_8, BY_REGEX):
            folder = self.quantized(config)
            out, _ = run("verify", "--load", folder, *JETS, "--mutate", 40, "--quiet")
            last = out.splitlines()[-1]
            self.assertRegex(last, r"^\d+ planted, \d+ caught, \d+ without effect, 0 missed$")
            planted, caught, harmless, _ = (int(word) for word in last.split() if word.isdigit())
            self.assertEqual(planted, 40)
            self.assertEqual(caught + harmless, 40)
            self.assertGreater(caught, 20)
            again = json.loads(run("verify", "--load", folder, *JETS, "--mutate", 40, "--json", "--threads", 1)[0])
            self.assertEqual(again, {"planted": 40, "caught": caught, "without_effect": harmless, "missed": []})
            listed, _ = run("verify", "--load", folder, *JETS, "--mutate", 40, "--seed", 1)
            self.assertNotIn("MISSED", listed)
            self.assertFalse((folder / "certificate.json").exists(), "planting faults proves nothing about a network")
            run("verify", "--load", folder, *JETS, "--mutate", 1, "--quiet", "--out", self.dir / "none")
            self.assertFalse((self.dir / "none").exists())
        self.assertIn("With --mutate it writes no certificate and no folder", " ".join(run("verify", "--help")[0].split()))

    def test_an_accumulator_that_is_not_proven_free_of_overflow_is_named(self):
        folder = self.quantized(ACCUM)
        printed, _ = run("verify", "--load", folder, *JETS, "--quiet")
        self.assertIn("not proven free of overflow: seq_blocks.0.sum by up to", printed)
        self.assertIn(" 0 mismatches", printed.splitlines()[-1])
        excess = {e["value"]: e["excess_bits"] for e in self.certificate(folder)["ledger"]}
        self.assertGreater(excess["seq_blocks.2.sum"], 0)
        self.assertIn("not excluded, by up to ", (folder / "report.html").read_text())

    def test_a_network_that_is_still_float_is_refused_by_the_node(self):
        self.refuses("verify", "--load", self.trained(), *JETS, says="node 'seq_blocks_0' (BatchNorm1d) is not quantized")
        part = self.quantized(by_name(("seq_blocks_0", 8, 4), ("seq_blocks_1", 8, 4)))
        self.refuses("verify", "--load", part, *JETS, says="node 'seq_blocks_2' (Linear) is not quantized")
        log = ALL + "name = 'log'\n" + "".join(f"{t}_width = 6\n{t}_exponent_bias = 'NA'\n"
                                               for t in ("data_in", "weight", "bias"))
        self.refuses("verify", "--load", self.quantized(log), *JETS,
                     says=["node 'seq_blocks_0'", "'log'", "only fixed point becomes integers"])

    def test_sums_that_no_register_holds_are_refused_by_the_node(self):
        out = self.dir / "refused"
        self.refuses("transform", "--load", self.trained("jsc-toy"), "--config", self.file(ALL + WIDTHS.format(48, 20)),
                     *JETS, "--quiet", "--out", out,
                     says=["node 'seq_blocks_0'", "48 and 48 bits", "expected at most 61"])
        self.assertFalse(out.exists())

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_result_that_cannot_be_printed_is_no_success(self):
        folder = self.quantized(CALIBRATED_8, "jsc-tiny")
        for args in (["verify", "--load", folder, *JETS, "--json"], ["verify", "--load", folder, *JETS, "--quiet"],
                     ["inspect", folder], ["inspect", folder, "--json"], ["models"], ["--version"]):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                done = subprocess.run([JSC_TRAIN, *map(str, args)], stdout=full, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(b"standard output: cannot write", done.stderr)

    def test_layers_with_the_names_of_keys_are_refused_before_they_are_quantized(self):
        model = self.file('layers = [{ type = "linear", out = 6, name = "report" }, '
                          '{ type = "linear", out = "classes", name = "default" }]\n', "names.toml")
        self.refuses("transform", "--load", self.trained(model), "--config", self.file(ALL + INTEGER_8_4), *JETS,
                     "--quiet", "--out", self.dir / "o", says="node 'report': configurations use this name")
        self.assertFalse((self.dir / "o").exists())

    def test_any_rows_with_the_right_features_are_verified_with_labels_or_without(self):
        folder = self.dir / "qat"
        run("train", "--load", self.trained(), "--config", self.file(CALIBRATED_8), *TRAIN, "--out", folder)
        jets = self.dir / "jets.csv"
        run("data", "make", "--rows", 40, jets)
        header, *lines = jets.read_text().splitlines()
        table = [line.split(",") for line in (header, *lines)]
        label = table[0].index("class")
        page = self.dir / "verified" / "report.html"
        for name, kept, labelled in [
            ("one jet", table[:2], True),
            ("one class", [table[0]] + [r for r in table[1:] if r[label] == table[1][label]], True),
            ("no labels", [r[:label] + r[label + 1:] for r in table], False),
            ("one jet without a label", [r[:label] + r[label + 1:] for r in table[:2]], False),
        ]:
            with self.subTest(name):
                few = self.file("".join(",".join(row) + "\n" for row in kept), "few.csv")
                out, err = run("verify", "--load", folder, "--data", few, "--out", page.parent)
                self.assertIn(f"{len(kept) - 1} rows, ", out.splitlines()[-1])
                self.assertIn(", 0 mismatches", out)
                self.assertEqual("float accuracy" in out, labelled)
                certificate = json.loads((page.parent / "certificate.json").read_text())
                self.assertEqual([certificate[n] is not None for n in ("float", "quantized")], [labelled] * 2)
                self.assertEqual("no report: it needs" in err, name != "one class")
        whole, _ = run("verify", "--load", folder, "--rows", "test", "--out", page.parent)  # of the run's data
        source = json.loads((folder / "summary.json").read_text())["data"]
        certificate = json.loads((page.parent / "certificate.json").read_text())["data"]
        self.assertEqual((certificate["source"], certificate["hash"]), (source["source"], source["hash"]))
        self.assertIn(f"data   {source['source']}: ", whole)
        run("verify", "--load", folder, "--data", few)
        run("report", folder)
        self.assertIn("none: the rows had no labels", (folder / "report.html").read_text())
        self.refuses("verify", "--load", folder, "--data", few, "--rows", "test",
                     says="--rows test needs enough rows for a split, found 1 in all")

    def test_data_with_other_features_is_refused(self):
        folder = self.quantized(CALIBRATED_8)
        self.certificate(folder)
        two = self.dir / "two.csv"
        two.write_text("1,2,g\n3,4,q\n")
        for action in (["verify", "--load", folder], ["infer", "--load", folder / "integer.safetensors", "--out", "p.csv"]):
            self.refuses(*action, "--data", two, "--quiet", says=["two.csv", "16"])


class IntegerFile(QuantizeTest):
    def setUp(self):
        super().setUp()
        self.folder = self.quantized(CALIBRATED_8)
        self.certificate(self.folder)
        self.good = (self.folder / "integer.safetensors").read_bytes()
        (self.header,) = struct.unpack("<Q", self.good[:8])

    def refuses_bytes(self, content, says):
        path = self.dir / "bad.safetensors"
        path.write_bytes(content)
        self.refuses("infer", "--load", path, *JETS, "--out", self.dir / "p.csv", "--quiet", says=says)
        self.assertFalse((self.dir / "p.csv").exists())

    def flipped(self, at, bit=1):
        return self.good[:at] + bytes([self.good[at] ^ bit]) + self.good[at + 1 :]

    def test_a_flipped_bit_anywhere_among_the_numbers_is_refused_by_the_hash(self):
        header = json.loads(self.good[8 : 8 + self.header])
        for name, entry in header.items():
            if name != "__metadata__":
                damaged = self.flipped(8 + self.header + entry["data_offsets"][0])
                self.refuses_bytes(damaged, says="does not match its hash")
                self.refuses("inspect", self.dir / "bad.safetensors", says="does not match its hash")

    def test_a_flipped_byte_of_the_header_is_refused(self):
        for at in range(8, 8 + self.header, 61):
            self.refuses_bytes(self.flipped(at), says="bad.safetensors")
        for at in range(8):
            self.refuses_bytes(self.flipped(at, 0x80), says="bad.safetensors")

    def test_swapped_class_names_are_refused(self):
        self.refuses_bytes(self.good.replace(b'\\"q\\",\\"t\\"', b'\\"t\\",\\"q\\"'), says="does not match its hash")

    def test_a_truncated_file_is_refused(self):
        for size in (0, 7, 8, 100, 8 + self.header, len(self.good) // 2, len(self.good) - 1):
            self.refuses_bytes(self.good[:size], says="bad.safetensors")

    def test_the_other_actions_say_what_an_integer_network_is_for(self):
        path = self.folder / "integer.safetensors"
        config = self.file(ALL + INTEGER_8_4)
        for args in (["test"], ["verify"], ["train"], ["transform", "--config", config, "--out", self.dir / "o"]):
            self.refuses(*args, "--load", path, *JETS, says=["integer network", "infer"])
        text, _ = run("inspect", path)
        self.assertIn("jsc-integer-network", text)
        self.assertIn("steps.0.weight", text)


class Configuration(QuantizeTest):
    def test_a_file_of_mase_quantizes_the_linear_layer(self):
        out = self.dir / "mase"
        _, err = run("transform", "--config", self.file(MASE_FILE), *JETS, "--out", out)
        self.assertIn("without effect on a transform: max_epochs", err)
        table = read_csv(out / "01_quantize_quantize_table.csv")
        self.assertEqual(list(table[0]), ["", "Ori name", "New name", "MASE_TYPE", "Mase_OP", "Original type",
                                          "Quantized type", "Changed"])
        self.assertEqual([row["Changed"] for row in table], ["False", "False", "False", "True", "False", "False"])
        self.assertEqual(table[3]["Quantized type"], "LinearInteger")
        self.assertNotIn("nan", run("inspect", out)[0])  # no loss: nothing was trained here
        self.refuses("report", out, says=("the folder of a training", "verify"))
        shown = json.loads(run("inspect", out, "--json")[0])["quantized"]
        self.assertEqual(set(shown), {"seq_blocks.2.weight", "seq_blocks.2.bias"})
        _, floats = weights(out)
        for name, entry in shown.items():
            self.assertEqual(entry["format"], "fixed<8,4,RND_CONV,SAT>")
            raw = [max(-128, min(127, round(w * 16))) for w in floats[name][2]]
            self.assertEqual(entry["raw"], raw)
            self.assertEqual(entry["codes_used"], len(set(raw)))
        text, _ = run("inspect", out, "--tensor", "seq_blocks.2.bias")
        self.assertEqual([int(w) for w in text.splitlines()[-1].split()], shown["seq_blocks.2.bias"]["raw"])
        self.refuses("verify", "--load", out, *JETS, says="node 'seq_blocks_0' (BatchNorm1d) is not quantized")

    def test_a_loaded_network_knows_its_widths_as_the_one_just_quantized_does(self):
        count = "[passes.count_operations]\n"
        config = ALL + WIDTHS.format(6, 3)
        folder = self.quantized(config + count)
        bits = []
        for text, load in ((config + count, self.trained()), (count, folder)):
            printed, _ = run("transform", "--load", load, "--config", self.file(text), *JETS, "--json",
                             "--out", self.dir / f"count{len(bits)}")
            (table,) = json.loads(printed)["passes"][-1]["tables"].values()
            bits.append(table[-1]["BitOPs"])
        self.assertEqual(bits, [36 * (16 * 8 + 8 * 8 + 8 * 5)] * 2)

    def test_formats_differ_by_name_and_by_regular_expression(self):
        names = ["seq_blocks_0", "seq_blocks_1", "seq_blocks_2", "seq_blocks_3"]
        folder = self.quantized(by_name(*zip(names, (8, 6, 5, 12), (4, 3, 2, 6))), "jsc-tiny")
        values = {e["value"]: e["format"] for e in self.certificate(folder)["ledger"] if e["format"]}
        self.assertEqual(values, {"seq_blocks.0.data_in_0": "fixed<8,4,RND_CONV,SAT>",
                                  "seq_blocks.1.data_in_0": "ufixed<6,3,RND_CONV,SAT>",
                                  "seq_blocks.2.data_in_0": "fixed<5,3,RND_CONV,SAT>",
                                  "seq_blocks.3.data_in_0": "ufixed<12,6,RND_CONV,SAT>"})
        shutil.rmtree(self.dir / "float")
        formats = self.certificate(self.quantized(BY_REGEX))["formats"]
        self.assertEqual(formats["seq_blocks.2.weight"], "fixed<8,3,RND_CONV,SAT>")
        self.assertEqual(formats["seq_blocks.5.weight"], "fixed<7,2,RND_CONV,SAT>")
        self.assertEqual(formats["seq_blocks.8.weight"], "fixed<6,2,RND_CONV,SAT_ZERO>")

    def test_a_folded_network_keeps_its_answers_and_verifies(self):
        model = self.file(SKIP, "skip.toml")
        folded = self.quantized("[passes.fold_batch_norm]\n", model)
        before, after = (run("test", "--load", f, "--quiet", *JETS)[0].splitlines()[-1]
                         for f in (self.trained(), folded))
        self.assertEqual(before, after)
        both = self.quantized("[passes.fold_batch_norm]\n" + CALIBRATED_8, model)
        ledger = self.certificate(both)["ledger"]
        self.assertNotIn("scale_shift", [e["operation"] for e in ledger])
        # In two steps it is the same network.
        again = self.dir / "again"
        run("transform", "--load", folded, "--config", self.file(CALIBRATED_8), *JETS, "--quiet", "--out", again)
        self.assertEqual(self.certificate(again)["program_hash"], self.certificate(both)["program_hash"])

    def test_folding_comes_before_quantizing(self):
        text = ALL + INTEGER_8_4 + "[passes.fold_batch_norm]\n"
        says = "node 'seq_blocks_0' is quantized already: fold before quantize"
        self.refuses("train", "jsc-toy", "--config", self.file(text), *TRAIN, "--out", self.dir / "o", says=says)
        self.refuses("transform", "--load", self.quantized(CALIBRATED_8), "--config",
                     self.file("[passes.fold_batch_norm]\n"), *JETS, "--quiet", "--out", self.dir / "o", says=says)

    def test_a_configuration_that_quantizes_nothing_warns(self):
        for text, words in [
            (ALL + 'name = "NA"\n', "the configuration quantizes nothing"),
            ("[passes.quantize]\nby = 'type'\n", "the configuration quantizes nothing"),
            ("[passes.quantize]\nby = 'type'\n[passes.quantize.mul.config]\n" + INTEGER_8_4, "[mul] fits no node"),
            ("[passes.quantize]\nby = 'regex_name'\n[passes.quantize.fc.config]\n" + INTEGER_8_4, "[fc] fits no node"),
            (ALL + INTEGER_8_4 + "bypass = true\n", "the configuration quantizes nothing"),
        ]:
            out = self.dir / "out"
            printed, _ = run("transform", "jsc-tiny", "--config", self.file(text), *JETS, "--quiet", "--out", out)
            self.assertIn("warning: ", printed)
            self.assertIn(words, printed)
            shutil.rmtree(out)

    def test_what_is_wrong_in_a_configuration_is_named(self):
        def linear(more, base=INTEGER_8_4):
            return "[passes.quantize]\nby = 'type'\n[passes.quantize.linear.config]\n" + base + more

        def width(value):
            return linear("", INTEGER_8_4.replace("weight_width = 8", f"weight_width = {value}"))

        cases = [
            (width(0), "weight_width should be in 1..48, found 0"),
            (width(49), "weight_width should be in 1..48, found 49"),
            (width(-8), "weight_width should be in 1..48, found -8"),
            (width('"8"'), 'weight_width should be an integer, found "8"'),
            (width("8.5"), "weight_width should be an integer, found 8.5"),
            (width('"NA"'), "needs weight_width"),
            (linear("", INTEGER_8_4.replace("bias_frac_width = 4", "bias_frac_width = 65")), "in -64..64, found 65"),
            (linear("", 'name = "integer"\ndata_in_width = 8\n'), "needs the key 'data_in_frac_width'"),
            (linear("", INTEGER_8_4.replace("integer", "intger")), "did you mean 'integer'?"),
            (linear("", INTEGER_8_4.replace('name = "integer"\n', "")), "needs the key 'name'"),
            (linear("wieght_rounding = 'TRN'\n"), "did you mean 'weight_rounding'?"),
            (linear("acum = 'fixed<16,6>'\n"), "did you mean 'accum'?"),
            (linear("accum = 'fixed<16,6'\n"), "format 'fixed<16,6', character 11: expected ',' or '>'"),
            (linear("accum = 'fixd<16,6>'\n"), "character 1"),
            (linear("accum = 'fixed<99,6>'\n"), "character 7: expected a width from 1 to 64, found '99'"),
            (linear("accum = 16\n"), "accum should be a format"),
            (linear("weight_rounding = 'RNDX'\n"), "weight_rounding: there is no mode 'RNDX': did you mean 'RND'?"),
            (linear("weight_overflow = 'SATURATE'\n"), "weight_overflow: there is no mode 'SATURATE'"),
            (linear("ste = 'none'\n"), "ste should be one of clip, identity"),
            (linear("compat = 'mas'\n"), "compat should be one of none, mase"),
            (linear("bypass = 1\n"), "bypass should be true or false"),
            (linear("").replace("linear", "linaer"), "there is no type 'linaer': did you mean 'linear'?"),
            (by_name(("seq_block_2", 8, 4)), "there is no node 'seq_block_2': did you mean 'seq_blocks_2'?"),
            (linear("").replace("'type'", "'typ'"), "by should be type, name or regex_name"),
            ("[passes.quantize]\nby = 'regex_name'\n[passes.quantize.'a('.config]\n" + INTEGER_8_4,
             "'a(' is not a regular expression"),
            ("[passes.quantize]\nby = 'type'\n[passes.quantize.linear]\nconfg = 1\n", "[passes.quantize.linear.config]"),
            (CALIBRATE, "run quantize before"),
            (linear("") + CALIBRATE.replace("mse", "msr"), "method should be min_max, quantile or mse"),
            (linear("") + "[passes.calibrate]\nquantile = 0.4\n", "quantile should be in (0.5, 1], found 0.4"),
            (linear("") + "[passes.calibrate]\nnum_samples = 0\n", "num_samples should be 1 or more, found 0"),
        ]
        for number, (text, words) in enumerate(cases):
            with self.subTest(text=text):
                out = self.dir / f"out{number}"
                self.refuses("transform", "jsc-tiny", "--config", self.file(text), *JETS, "--quiet", "--json",
                             "--out", out, says=words)
                self.refuses("train", "jsc-tiny", "--config", self.file(text), *TRAIN, "--out", self.dir / "trained", says=words)
                for folder in (out, self.dir / "trained"):
                    self.assertFalse((folder / "config.toml").exists(), "a refused configuration left a run")


class Matmul(QuantizeTest):
    """A layer of torch.matmul(x, W), from training to the proof."""

    def setUp(self):
        super().setUp()
        self.model = self.file(MATMUL, "matmul.toml")

    def test_it_is_trained_stored_and_shown_as_pytorch_would(self):
        text, _ = run("models", self.model)
        self.assertIn("matmul: 1,112 parameters", text)
        self.assertIn("Parameter containing: [torch.float32 of size 16x24]", text)
        folder = self.trained(self.model)
        metadata, tensors = weights(folder)
        self.assertEqual({name: tensors[name][1] for name in tensors if name.endswith(".weight")},
                         {"seq_blocks.0.weight": [16], "seq_blocks.1.weight": [16, 24], "mix.weight": [24, 24],
                          "matmul.weight": [24, 5]})
        start = self.dir / "start"
        run("train", self.model, *TRAIN, "--learning-rate", 1e-30, "--out", start)
        for name in ("seq_blocks.1.weight", "mix.weight", "matmul.weight"):
            self.assertLessEqual(max(map(abs, weights(start)[1][name][2])), tensors[name][1][0] ** -0.5)
            self.assertNotEqual(weights(start)[1][name], tensors[name], f"{name} was not trained")
        accuracy = [json.loads(run("test", "--load", f, *JETS, "--json")[0])["accuracy"] for f in (start, folder)]
        self.assertGreater(accuracy[1], accuracy[0] + 0.2)
        shown = json.loads(run("inspect", folder, "--json")[0])["tensors"]["mix.weight"]
        self.assertEqual(shown["shape"], [24, 24])
        self.assertIn("matmul", metadata["model_toml"])

    def test_the_passes_know_it(self):
        config = "".join(f"[passes.{name}]\n" for name in (
            "report_graph", "add_common_metadata", "verify_common_metadata", "report_node_type", "draw_graph",
            "count_operations", "memory_footprint", "profile_ranges"))
        printed, _ = run("transform", "--load", self.trained(self.model), "--config", self.file(config), *JETS, "--json",
                         "--out", self.dir / "passes")
        passes = {p["pass"]: p for p in json.loads(printed)["passes"]}
        (types,) = passes["report_node_type"]["tables"].values()
        self.assertIn({"Node name": "matmul_1", "Fx Node op": "call_function", "Mase type": "builtin_func",
                       "Mase op": "matmul", "Value type": "float"}, types)
        (operations,) = passes["count_operations"]["tables"].values()
        self.assertEqual((operations[-1]["Parameters"], operations[-1]["MACs"]),
                         (1112, 16 * 24 + 24 * 24 + 24 * 5))
        (text,) = (self.dir / "passes").rglob("*report_graph.txt")
        self.assertIn("%mix_weight : [num_users=1] = get_attr[target=mix.weight]", text.read_text())

    def test_it_is_quantized_proven_and_its_faults_are_found(self):
        folder = self.quantized(CALIBRATED_8, self.model)
        certificate = self.certificate(folder)
        self.assertEqual(certificate["mismatches"], 0)
        dense = [e["value"] for e in certificate["ledger"] if e["operation"] == "dense"]
        self.assertEqual(dense, ["matmul.matmul.sum", "matmul_1.sum", "matmul_2.sum"])
        out, _ = run("verify", "--load", folder, *JETS, "--mutate", 40, "--quiet")
        planted, caught, harmless, missed = (int(word) for word in out.splitlines()[-1].split() if word.isdigit())
        self.assertEqual((planted, caught + harmless, missed), (40, 40, 0))
        self.assertGreater(caught, 20)
        # The codes are the trained floats' nearest, [in][out] as they stand.
        shown = json.loads(run("inspect", folder, "--json")[0])["quantized"]["matmul_1.weight"]
        width, integer = map(int, shown["format"].split("<")[1].split(",")[:2])
        floats = weights(folder)[1]["mix.weight"]
        self.assertEqual(shown["shape"], floats[1])
        self.assertEqual(shown["raw"], [max(-128, min(127, round(w * 2.0 ** (width - integer)))) for w in floats[2]])
        only = self.quantized("[passes.quantize]\nby = 'type'\n[passes.quantize.matmul.config]\n" + INTEGER_8_4,
                              self.model)
        self.refuses("verify", "--load", only, *JETS, says="node 'seq_blocks_0' (BatchNorm1d) is not quantized")

    def test_it_trains_quantized_with_learned_ranges_on_any_number_of_threads(self):
        config = self.file(ALL + WIDTHS.format(4, '"NA"') + 'ranges = "learned"\n' + CALIBRATE)
        states = []
        for threads in (1, 2):
            out = self.dir / f"qat{threads}"
            run("train", "--load", self.trained(self.model), "--config", config, *TRAIN, "--learning-rate", 3e-2, "--threads",
                threads, "--out", out)
            states.append(weights(out, "last")[1])
        self.assertEqual(*states)
        self.assertIn("matmul_1.weight_log2_t", states[0])
        self.assertNotEqual(states[0]["mix.weight"], weights(self.trained())[1]["mix.weight"])
        self.certificate(out)

    def test_what_is_wrong_with_it_is_named(self):
        for text, words in [
            ('{ type = "linear", out = 5, name = "a" }, { type = "matmul", inputs = ["a", "x"] }',
             ["layer 1 (matmul)", "node 'matmul'", "two activations ('a' and 'x')"]),
            ('{ type = "matmul", out = 5, bias = true }', ["layer 0 (matmul)", "unknown key 'bias'"]),
            ('{ type = "matmul" }', ["layer 0 (matmul)", "needs 'out'"]),
            ('{ type = "matmul", out = 0 }', ["layer 0 (matmul)", "'out' should be an integer from 1"]),
            ('{ type = "matmul", out = 4 }', ["one row a class (5), found 4"]),
            ('{ type = "matmull", out = 5 }', ["did you mean 'matmul'?"]),
        ]:
            with self.subTest(text=text):
                model = self.file(f"layers = [ {text} ]", "bad.toml")
                self.refuses("train", model, *TRAIN, "--out", self.dir / "bad", says=words)
                self.assertFalse((self.dir / "bad").exists())
        wrong = self.file("[passes.quantize]\nby = 'type'\n[passes.quantize.matmul.config]\n" + INTEGER_8_4 +
                          "wieght_rounding = 'TRN'\n")
        self.refuses("transform", self.model, "--config", wrong, *JETS, "--quiet", "--out", self.dir / "bad",
                     says=["node 'matmul', [matmul]", "did you mean 'weight_rounding'?"])


class QuantizationAwareTraining(QuantizeTest):
    def final(self, folder):
        metadata, tensors = weights(folder, "last")
        training = json.loads(metadata["training"])
        metrics = [{k: v for k, v in row.items() if k not in ("seconds", "samples_per_second")}
                   for row in read_csv(folder / "metrics.csv")]
        return tensors, metadata["transforms"], weights(folder)[1], metrics, training["epoch"]

    def test_training_goes_on_from_a_float_network_and_its_integers_verify(self):
        out = self.dir / "qat"
        text = CALIBRATED_8.replace("= 8", "= 4")
        ptq = self.quantized(text)
        run("train", "--load", self.trained(), "--config", self.file(text), *TRAIN, "--max-epochs", 6, "--out", out)
        self.certificate(out)
        accuracy = [self.certificate(f, "--rows", "test", "--out", self.dir / "c")["quantized"]["accuracy"]
                    for f in (ptq, out)]
        self.assertGreater(accuracy[1], accuracy[0] + 0.02, "training in 4 bits did not help")
        # The formats are those that calibration chose for the float network; the checkpoint keeps them.
        self.assertEqual(weights(out)[0]["transforms"], weights(ptq)[0]["transforms"])
        text, _ = run("inspect", out)
        self.assertIn("as the quantized layers see them", text)

    def test_training_from_scratch_and_on_a_transformed_network(self):
        config = self.file(CALIBRATED_8)
        scratch, out = self.dir / "scratch", self.dir / "on"
        run("train", "jsc-toy", "--config", config, *TRAIN, "--out", scratch)
        self.certificate(scratch)
        run("train", "--load", self.quantized(CALIBRATED_8), *TRAIN, "--out", out)
        direct = self.dir / "direct"
        run("train", "--load", self.trained(), "--config", config, *TRAIN, "--out", direct)
        self.assertEqual(self.final(out), self.final(direct))

    def test_the_same_bits_for_every_number_of_threads_and_every_instruction_set(self):
        for config in (CALIBRATED_8, BY_REGEX, LEARNED_4, STOCHASTIC):
            states = []
            for i, more in enumerate((["--threads", 1], ["--threads", 2], ["--cpu-mask", "portable"],
                                      ["--cpu-mask", "avx2"])):
                out = self.dir / f"qat{len(list(self.dir.iterdir()))}{i}"
                run("train", "--load", self.trained(), "--config", self.file(config), *TRAIN, "--out", out, *more)
                states.append(self.final(out))
            for state in states[1:]:
                self.assertEqual(state, states[0])

    def test_an_interrupted_run_resumes_to_the_same_bits(self):
        for text in (CALIBRATED_8, LEARNED_4):
            with self.subTest(text=text):
                self.interrupt(text)

    def interrupt(self, text):
        config = self.file(text)
        args = ["train", "--load", self.trained(), "--config", config, "--data", "emulated:20000:1", "--max-epochs", 100,
                "--batch-size", 64, "--quiet", "--out"]
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        whole = folder / "whole"
        run(*args, whole)
        interrupted = 0
        for i, sign in enumerate((signal.SIGINT, signal.SIGKILL)):
            out = folder / f"part{i}"
            process = subprocess.Popen([JSC_TRAIN, *map(str, args), out], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            while not (out / "config.toml").exists() and process.poll() is None:
                time.sleep(0.002)
            time.sleep(0.1)
            process.send_signal(sign)
            if process.wait(timeout=60) != 0:
                interrupted += 1
                run("train", "--resume", out, "--threads", 2, "--quiet")
            self.assertEqual(self.final(out), self.final(whole))
        self.assertGreater(interrupted, 0, "no run was still going when its signal came")
        self.certificate(out)

    def test_learned_ranges_move_and_the_formats_in_force_verify(self):
        out = self.dir / "learned"
        run("train", "--load", self.trained(), "--config", self.file(LEARNED_4), *TRAIN, "--max-epochs", 6,
            "--learning-rate", 3e-2, "--out", out)
        self.certificate(out)
        begun = {node: table["config"] for t in json.loads(weights(out)[0]["transforms"]) if t["pass"] == "quantize"
                 for node, table in t["options"].items() if isinstance(table, dict)}
        moved = 0
        tensors = weights(out, "last")[1]
        for name, (_, _, values) in tensors.items():
            layer, _, tensor = name.removesuffix("_log2_t").rpartition(".")
            if name.endswith("_log2_t"):
                config, relu = begun[layer.replace(".", "_")], f"{layer}.weight" not in tensors
                sign = config.get(f"{tensor}_signed", not relu)
                moved += math.ceil(values[0]) != 4 - sign - config[f"{tensor}_frac_width"]
        self.assertGreater(moved, 0, "no range was learned")

    def test_an_analysis_in_a_training_file_is_refused(self):
        self.refuses("train", "jsc-tiny", "--config", self.file("[passes.report_graph]\n"), *TRAIN,
                     "--out", self.dir / "o", says=["'report_graph' is an analysis", "transforms only"])


if __name__ == "__main__":
    main()
