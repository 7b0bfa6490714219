#!/usr/bin/env python3
"""Verifies quantized networks over a whole data set's worth of emulated jets: the long form of the bit-accuracy tests.

  tests/soak.py BUILD [ROWS [CASE]]      default: 830,000 rows, all cases; ./dev soak builds first

Trains jsc-toy and jsc-hls4ml, quantizes them in every way that docs/quantization.md measures and in every pair of rounding and
overflow, verifies every intermediate value, plants faults, and prints a line a case. CASE is a regular expression. Exit
code 1 if anything differs, if a planted fault is missed, or if a pair that is there to overflow never does.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROUNDING = ("RND", "RND_ZERO", "RND_MIN_INF", "RND_INF", "RND_CONV", "RND_CONV_ODD", "TRN", "TRN_ZERO", "CEIL", "UP")
OVERFLOW = ("SAT", "SAT_ZERO", "SAT_SYM", "WRAP", "WRAP_SM")
TENSORS = ("data_in", "weight", "bias")
FAULTS = 200


def layer(formats, *further):
    """The keys of one [passes.quantize.*.config]: (width, fraction) for all tensors, or one for each of TENSORS."""
    if isinstance(formats[0], int):
        formats = [formats] * len(TENSORS)
    widths = [f"{tensor}_{key} = {value}" for tensor, pair in zip(TENSORS, formats)
              for key, value in zip(("width", "frac_width"), pair)]
    return "\n".join(["name = 'integer'", *widths, *further, ""])


def every_layer(formats, *further):
    return "[passes.quantize]\nby = 'type'\n[passes.quantize.default.config]\n" + layer(formats, *further)


MIXED = ("[passes.quantize]\nby = 'regex_name'\n[passes.quantize.'seq_blocks_[0-2]'.config]\n"
         + layer([(12, 7), (8, 6), (10, 6)])
         + "[passes.quantize.default.config]\n" + layer([(8, 4), (6, 4), (8, 4)], "data_in_rounding = 'TRN'")
         + "[passes.calibrate]\n")

CONFIGS = {"integer (8, 4)": every_layer((8, 4)), "16 bits, 10 of fraction, exact sums": every_layer((16, 10)),
           'the same, accum = "fixed<16,6>"': every_layer((16, 10), 'accum = "fixed<16,6>"'),
           "mixed by layer, calibrated": MIXED}


def mode_pair(rounding, overflow, accumulators):
    """Activations and parameters that round and overflow so; and sums that do so at each product, as in hls4ml."""
    keys = [f"{tensor}_{key} = '{mode}'" for tensor in TENSORS for key, mode in (("rounding", rounding), ("overflow", overflow))]
    if overflow == "WRAP_SM":  # is for signed numbers alone; a ReLU's are not by default
        keys.append("data_in_signed = true")
    return every_layer((7, 4), *keys, *([f"accum = 'fixed<9,4,{rounding},{overflow}>'"] if accumulators else []))


class Soak:
    def __init__(self, build, rows, pattern):
        self.program = build / "apps/jsc-train"
        self.rows = rows
        self.pattern = re.compile(pattern)
        self.failed = 0

    def jsc(self, *arguments, codes=(0,)):
        done = subprocess.run([self.program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode not in codes:
            sys.exit(f"jsc-train {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def line(self, network, case, *cells, wrong=False):
        self.failed += wrong
        print(f"| {network} | {case} | {' | '.join(cells)} |" + (" WRONG" if wrong else ""), flush=True)

    def verify(self, folder, network, case, config, overflows=False):
        if not self.pattern.search(f"{network} {case}"):
            return
        file, out = folder / "config.toml", pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
        file.write_text(config)
        self.jsc("transform", "--load", folder / network, "--config", file, "--quiet", "--out", out)
        start = time.perf_counter()
        # Exit code 1 is a mismatch, which the certificate tells more about.
        found = json.loads(self.jsc("verify", "--load", out, "--data", f"emulated:{self.rows}", "--threads", 2, "--json",
                                    "--no-report", codes=(0, 1)))
        seconds = time.perf_counter() - start
        overflowed = sum(entry["saturated"] + entry["wrapped"] for entry in found["ledger"])
        wrong = found["mismatches"] > 0 or found["data"]["rows"] != self.rows or (overflows and overflowed == 0)
        self.line(network, case, f"{found['float']['accuracy']:.4f}", f"{found['quantized']['accuracy']:.4f}",
                  f"{found['values_compared']:,}", f"{overflowed:,}", f"{found['mismatches']:,}", f"{found['seconds']:.1f}",
                  f"{seconds:.1f}", wrong=wrong)
        if wrong and found["first_divergence"]:
            print(json.dumps(found["first_divergence"], indent=2))

    def plant(self, folder, network, case, config):
        case = f"{FAULTS} faults: {case}"
        if not self.pattern.search(f"{network} {case}"):
            return
        file, out = folder / "config.toml", pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
        file.write_text(config)
        self.jsc("transform", "--load", folder / network, "--config", file, "--quiet", "--out", out)
        found = json.loads(self.jsc("verify", "--load", out, "--mutate", FAULTS, "--json", codes=(0, 1)))
        self.line(network, case, f"caught {found['caught']}", f"without effect {found['without_effect']}",
                  f"missed {len(found['missed'])}", wrong=bool(found["missed"]) or found["planted"] != FAULTS)

    def run(self, folder):
        for network in ("jsc-toy", "jsc-hls4ml"):
            self.jsc("train", network, "--data", "emulated:200000", "--max-epochs", 8, "--quiet", "--no-report", "--out", folder / network)
        print(f"{self.rows:,} jets a case\n")
        print("| network | configuration | accuracy, float | quantized | values | overflows | mismatches | compared in, s | whole command, s |")
        print("|---|---|---|---|---|---|---|---|---|")
        for network in ("jsc-toy", "jsc-hls4ml"):
            for case, config in CONFIGS.items():
                self.verify(folder, network, case, config)
        for accumulators in (False, True):
            for overflow in OVERFLOW:
                for rounding in ROUNDING:
                    self.verify(folder, "jsc-toy", f"{rounding}, {overflow}" + (", accumulators too" if accumulators else ""),
                                mode_pair(rounding, overflow, accumulators), overflows=True)
        print("\n| network | faults | | | |\n|---|---|---|---|---|")
        for network in ("jsc-toy", "jsc-hls4ml"):
            for case, config in CONFIGS.items():
                self.plant(folder, network, case, config)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    soak = Soak(build, int(sys.argv[2]) if len(sys.argv) > 2 else 830000, sys.argv[3] if len(sys.argv) > 3 else "")
    with tempfile.TemporaryDirectory(prefix="jsc-soak-") as folder:
        soak.run(pathlib.Path(folder))
    print(f"\n{soak.failed} wrong")
    return 1 if soak.failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    sys.exit(main())
