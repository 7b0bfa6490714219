#!/usr/bin/env python3
"""Runs the benchmarks beside their peers and holds the results against the project's targets.

  bench/run.py [BUILD [ROUNDS]]      default: build 3; ./dev bench builds first

Each round runs all peers one after the other, so that a disturbance of the machine hits all of them; figures are
medians over the rounds, ratios are medians of each round's ratio, the spread is (largest - smallest) / median.
Peers that are not installed are left out. Prints Markdown, as docs/performance.md has it.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's, which has python3-torch
NETWORKS = ("jsc-tiny", "jsc-toy", "jsc-test", "jsc-hls4ml")
# Of the linear layers for one sample: a multiplication and an addition a weight; forward, d_x and d_w.
TRAINING_FLOPS = {"jsc-tiny": 6 * 80, "jsc-toy": 6 * 232, "jsc-test": 6 * 10344, "jsc-hls4ml": 6 * 4256}
CASES = [(1, b) for b in (32, 64, 256, 1024, 4096)] + [(2, b) for b in (1024, 4096)]

# One thread unless asked for; BLAS free to choose its kernels; no page faults for torch's large temporaries.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "BLIS_", "MKL_", "OMP_"))}
ENVIRONMENT |= {"OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "1073741824",
                "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TOP_PAD_": "67108864"}
# OpenBLAS 0.3.21 takes processors newer than itself for a Prescott of 2004 and is then four times too slow, and torch with it.
if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text().split():
    ENVIRONMENT["OPENBLAS_CORETYPE"] = "SKYLAKEX"


def output(*command):
    return subprocess.run(command, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def google(program, counter, *options):
    """Rates by benchmark name."""
    runs = json.loads(output(program, "--benchmark_format=json", *options))["benchmarks"]
    return {run["name"].removesuffix("/real_time"): run[counter]
            for run in runs if "error_occurred" not in run and counter in run}


def has_torch():
    return subprocess.run((PYTHON, "-c", "import torch"), stderr=subprocess.DEVNULL).returncode == 0


def training_round(build, torch):
    rates = google(build / "bench/bench_training", "samples", "--benchmark_min_time=0.1")
    if torch:
        rates |= {f"{k}/pytorch": v for k, v in json.loads(output(PYTHON, HERE / "peers/train_torch.py")).items()}
        rates |= {f"{k}/frozen": v for k, v in json.loads(output(PYTHON, HERE / "peers/infer_torch.py")).items()}
    return rates


class Figure:
    """Median and spread of one figure over the rounds."""

    def __init__(self, values):
        self.median = statistics.median(values)
        self.spread = (max(values) - min(values)) / self.median


def collect(rounds):
    return {name: Figure([r[name] for r in rounds]) for name in rounds[0]}


def ratio(rounds, case, who, own="jsc"):
    if f"{case}/{who}" not in rounds[0]:
        return None
    return Figure([r[f"{case}/{own}"] / r[f"{case}/{who}"] for r in rounds])


# How many times as fast as LibTorch a training step on 1 thread has to be, at batch 32, 64, 256, 1024, 4096.
TRAINING_TARGETS = {"jsc-tiny": (100, 60, 35, 20, 15), "jsc-toy": (100, 80, 35, 18, 10),
                    "jsc-test": (15, 11, 5, 3, 2.5), "jsc-hls4ml": (15, 11, 5, 3, 2.5)}


def training_targets(rounds, target):
    for network, wanted in TRAINING_TARGETS.items():
        for (_, batch), least in zip(CASES, wanted):
            if figure := ratio(rounds, f"{network}/{batch}/1", "libtorch"):
                target(f"training {network}, batch {batch}, 1 thread, against LibTorch", f"{figure.median:.1f}x",
                       f"at least {least}x", figure.median >= least)
    for network in ("jsc-test", "jsc-hls4ml"):
        for batch in (1024, 4096):
            figure = Figure([r[f"{network}/{batch}/2/jsc"] / r[f"{network}/{batch}/1/jsc"] for r in rounds])
            target(f"training {network}, batch {batch}, 2 threads against 1", f"{figure.median:.2f}x", "at least 1.7x",
                   figure.median >= 1.7)
    for network in NETWORKS:
        if figure := ratio(rounds, f"{network}/1024/1", "frozen", "evaluate"):
            target(f"evaluation of {network}, batch 1,024, 1 thread, against frozen TorchScript", f"{figure.median:.1f}x",
                   "at least 2x", figure.median >= 2)


HEADLINE_ROWS = 1096450  # 789,444 of them are training rows, as many as in MASE's log


def headline_seconds(build, folder):
    """Ten epochs of jsc-tiny at batch 256 by the program itself, 2 threads, loading apart: epochs with validation."""
    command, out = train_command(build, folder, "--quiet", "--data", f"emulated:{HEADLINE_ROWS}", "--batch-size", "256",
                                 "--max-epochs", "10", "--threads", "2", network="jsc-tiny")
    output(*command)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data"]["rows_train"] == 789444
    return summary["seconds"]


def print_training(rounds):
    figures = collect(rounds)
    print("\nTraining, thousand samples/s (spread), how many times as fast as each peer, and GFLOP/s of jsc\n")
    print("| network | threads | batch | jsc | LibTorch | PyTorch | / LibTorch | / PyTorch | GFLOP/s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for network in NETWORKS:
        for threads, batch in CASES:
            case = f"{network}/{batch}/{threads}"
            rates = [figures.get(f"{case}/{who}") for who in ("jsc", "libtorch", "pytorch")]
            cells = [f"{f.median / 1e3:.0f} ({f.spread:.0%})" if f else "" for f in rates]
            cells += [f"{f.median:.1f}" if (f := ratio(rounds, case, who)) else "" for who in ("libtorch", "pytorch")]
            cells.append(f"{rates[0].median * TRAINING_FLOPS[network] / 1e9:.0f}")
            print(f"| {network} | {threads} | {batch} | {' | '.join(cells)} |")
    print("\nEvaluation in float32, batch 1,024, 1 thread, million samples/s (spread)\n")
    print("| network | jsc | frozen TorchScript | / frozen |\n|---|---|---|---|")
    for network in NETWORKS:
        case = f"{network}/1024/1"
        cells = [f"{f.median / 1e6:.1f} ({f.spread:.0%})" if (f := figures.get(f"{case}/{who}")) else ""
                 for who in ("evaluate", "frozen")]
        cells.append(f"{f.median:.1f}" if (f := ratio(rounds, case, "frozen", "evaluate")) else "")
        print(f"| {network} | {' | '.join(cells)} |")


INTEGER_TARGETS = {"jsc-hls4ml/8-bit": 20e6, "jsc-hls4ml/16-bit": 8e6, "jsc-hls4ml/16-bit-accum16": 4e6, "jsc-toy/8-bit": 60e6}
INTEGER_VARIANTS = ("avx512", "avx2", "portable", "verification")


def print_integers(rounds, target):
    """Integer inference: jets/s of one core, by processor time; the best instruction set, then others."""
    figures = collect(rounds)
    print("\nInteger inference, 1 thread, million jets/s (spread); batch 16384 but where another is given; `verification` "
          "keeps every value\n")
    print(f"| network | arithmetic | batch 512 | batch 16384 | one jet | 2 threads | {' | '.join(INTEGER_VARIANTS)} |")
    print("|---|---|---|---|---|---|" + "---|" * len(INTEGER_VARIANTS))

    def cell(name):
        figure = figures.get(name)
        return f"{figure.median / 1e6:.1f} ({figure.spread:.0%})" if figure else ""

    for case in (name.removesuffix("/1") for name in figures if name.endswith("/1")):
        network, arithmetic = case.split("/")
        cells = [cell(f"{case}/512"), cell(f"{case}/16384"), f"{1e9 / figures[f'{case}/1'].median:.0f} ns"]
        cells += [cell(f"{case}/16384/real_time/threads:2")]
        cells += [cell(f"{case}/{variant}/16384") for variant in INTEGER_VARIANTS]
        print(f"| {network} | {arithmetic} | {' | '.join(cells)} |")
        if wanted := INTEGER_TARGETS.get(case):
            rate = figures[f"{case}/16384"].median
            target(f"integer {network}, {arithmetic}, 1 core", f"{rate / 1e6:.1f} M jets/s",
                   f"at least {wanted / 1e6:.0f} M jets/s", rate >= wanted)
    if latency := figures.get("jsc-hls4ml/8-bit/1"):
        nanoseconds = 1e9 / latency.median
        target("integer jsc-hls4ml, 8-bit, one jet", f"{nanoseconds:.0f} ns", "under 1000 ns", nanoseconds < 1000)


# Of the products of a layer: role, share of the FMA peak that the geometric mean has to reach.
GEMM_TARGETS = {"forward": 0.80, "d_x": 0.80, "d_w": 0.70}


def print_gemm(build, target):
    """One race a case (bench/gemm.cpp has the rounds), 1 thread, over the layers of the field at four batch sizes."""
    report = json.loads(output(build / "bench/bench_gemm", "--benchmark_format=json", "--benchmark_filter=/1/iter"))
    runs = [run for run in report["benchmarks"] if "error_occurred" not in run]
    print("\nProducts of layers, 1 thread, geometric means over 10 layers x 4 batch sizes\n")
    print("| role | / libxsmm | worst | / oneDNN | / OpenBLAS | of peak | AVX2, of its peak |\n|---|---|---|---|---|---|---|")
    for role, least in GEMM_TARGETS.items():
        layers = [run for run in runs if (parts := run["name"].split("/"))[0] == role and parts[1:3] != [parts[3]] * 2]
        ratios = {peer: [run[key] for run in layers if (key := f"jsc/{peer}") in run]
                  for peer in ("libxsmm", "onednn", "openblas", "peak")}
        ratios["avx2"] = [run["jsc_avx2/peak_avx2"] for run in layers if "jsc_avx2/peak_avx2" in run]
        mean = {peer: statistics.geometric_mean(values) for peer, values in ratios.items() if values}
        worst = f"{min(ratios['libxsmm']):.2f}" if ratios["libxsmm"] else ""
        cells = [f"{mean[peer]:.2f}" if peer in mean else "" for peer in ratios]
        print(f"| {role} | {cells[0]} | {worst} | {' | '.join(cells[1:])} |")
        if worst:
            target(f"{role}, against the best of libxsmm, mean", cells[0], "at least 1", mean["libxsmm"] >= 1)
            target(f"{role}, against the best of libxsmm, worst", worst, "at least 0.85", min(ratios["libxsmm"]) >= 0.85)
        target(f"{role}, share of the FMA peak, mean", cells[3], f"at least {least:.2f}", mean["peak"] >= least)
        if "avx2" in mean:
            target(f"{role} by AVX2, share of its FMA peak, mean", cells[4], "at least 0.80", mean["avx2"] >= 0.8)
    for run in runs:
        role, side, out, batch = run["name"].split("/")[:4]
        if side == out == batch and "jsc/openblas" in run:
            ratio_ = run["jsc/openblas"]
            target(f"{role}, square of {side}, own kernels against OpenBLAS", f"{ratio_:.2f}x", "at least 1x", ratio_ >= 1)


def print_fixed(rounds, target):
    """Fixed-point casts and jsc-fixed's batches, of one core by processor time."""
    figures = collect(rounds)
    ways = ("run_time", "compiled", "narrow", "rows32", "rows64", "plain_c", "systemc")
    print(f"\nFixed-point casts, 1 thread, million/s\n\n| modes | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
    for modes in dict.fromkeys(name.split("/")[1] for name in figures if name.startswith("cast/")):
        cells = [figures.get(f"cast/{modes}/{way}") for way in ways]
        print(f"| {modes} | {' | '.join(f'{f.median / 1e6:.0f}' if f else '' for f in cells)} |")
    for operation in ("cast", "mul"):
        rate = figures[f"batch/{operation}"].median
        target(f"jsc-fixed, lines of {operation}", f"{rate / 1e6:.1f} M/s", "at least 1 M/s", rate >= 1e6)


QUANTIZE = """
[passes.quantize]
by = "type"
[passes.quantize.default.config]
name = "integer"
"""


def verify_seconds(build, folder):
    """All intermediate values of jsc-hls4ml at 8 bits over 830,000 emulated jets, 2 threads."""
    config = folder / "quantize.toml"
    config.write_text(QUANTIZE + "".join(f"{tensor}_width = 8\n{tensor}_frac_width = 4\n"
                                         for tensor in ("data_in", "weight", "bias")))
    out = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
    program = build / "apps/jsc-train"
    output(program, "transform", "jsc-hls4ml", "--config", config, "--out", out, "--quiet")
    report = json.loads(output(program, "verify", "--load", out, "--data", "emulated:830000", "--threads", "2", "--json"))
    assert report["mismatches"] == 0
    return report["seconds"], report["values_compared"]


def train_command(build, folder, *options, network="jsc-toy"):
    out = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
    return [build / "apps/jsc-train", "train", network, "--out", out, *options], out


def seconds_to_first_step(build, folder, rows):
    """Wall and processor time from the start of the process to the line that it prints when the first step is next."""
    command, _ = train_command(build, folder, "--threads", "1", "--max-steps", "1", "--data", f"emulated:{rows}")
    start = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("runs "):
            wall = time.perf_counter() - start
            processor = int(pathlib.Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9
    process.wait()
    return wall, processor


def peak_mebibytes(build, folder):
    environment = {k: v for k, v in ENVIRONMENT.items() if not k.startswith("MALLOC_")}
    command, _ = train_command(build, folder, "--quiet", "--data", "emulated:200000", "--max-epochs", "2")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    return os.wait4(process.pid, 0)[2].ru_maxrss / 1024


PROFILE = """
[passes.profile_statistics]
by = "type"
target_activation_nodes = ["batch_norm1d", "relu", "linear", "output"]
profile_input = true
num_samples = {rows}
[passes.profile_statistics.activation_statistics]
variance_online = {{}}
variance_precise = {{}}
range_n_sigma = {{}}
range_min_max = {{}}
range_quantile = {{}}
abs_mean = {{}}
"""


def profile(build, folder, rows):
    """Every activation of jsc-test over so many emulated jets, 2 threads: (wall s, processor s, peak MiB)."""
    config = folder / "profile.toml"
    config.write_text(PROFILE.format(rows=rows))
    out = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
    environment = {k: v for k, v in ENVIRONMENT.items() if not k.startswith("MALLOC_")}
    start = time.perf_counter()
    process = subprocess.Popen(
        [build / "apps/jsc-train", "transform", "jsc-test", "--config", config, "--out", out, "--quiet",
         "--data", f"emulated:{rows}", "--rows", "all", "--threads", "2"],
        env=environment, stdout=subprocess.DEVNULL)  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    found = json.loads((out / "01_profile_statistics.json").read_text())["info"]
    counts = {stat["count"] for node in found.values() for entry in node.values() for stat in entry.values()}
    assert process.returncode == 0 and counts == {rows * width for width in (5, 8, 16, 64, 128)}, counts
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def test_accuracies(build, folder):
    """Ten epochs of jsc-toy, ours and PyTorch's, as (ours, theirs) for each of three seeds."""
    x = folder / "jets.npy"
    output(build / "apps/jsc-train", "data", "make", x, "--rows", "200000", "--quiet")
    y = next(path for path in folder.glob("*.npy") if path != x)
    results = []
    for seed in ("0", "1", "2"):
        command, out = train_command(build, folder, "--quiet", "--data", x, "--max-epochs", "10", "--seed", seed)
        output(*command)
        ours = json.loads((out / "summary.json").read_text())["test_accuracy"]
        theirs = json.loads(output(PYTHON, HERE / "peers/learn_torch.py", x, y, "10", seed))["test_accuracy"]
        results.append((ours, theirs))
    return results


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    torch = has_torch()
    targets = []  # what, found, wanted, met

    def target(what, found, wanted, met):
        targets.append((what, found, wanted, "met" if met else "MISSED"))

    rounds = [training_round(build, torch) for _ in range(count)]
    print_training(rounds)
    training_targets(rounds, target)

    print_gemm(build, target)
    print_integers([google(build / "bench/bench_integer", "jets", "--benchmark_min_time=0.1") for _ in range(count)], target)

    fixed = [google(build / "bench/bench_fixed", "casts", "--benchmark_min_time=0.02")
             | google(build / "bench/bench_fixed", "lines", "--benchmark_filter=batch") for _ in range(count)]
    print_fixed(fixed, target)

    data = collect([google(build / "bench/bench_data", "rows", "--benchmark_min_time=0.2") for _ in range(count)])
    print("\nData, million rows/s (spread)\n\n| what | 1 thread | 2 threads |\n|---|---|---|")
    for what in ("emulate", "load/csv", "load/hdf5"):
        cells = [f"{f.median / 1e6:.2f} ({f.spread:.0%})" for f in (data[f"{what}/1"], data[f"{what}/2"])]
        print(f"| {what} | {' | '.join(cells)} |")
    print()
    rate = data["emulate/2"].median
    target("emulator, 2 threads", f"{rate / 1e6:.2f} M jets/s", "at least 2 M jets/s", rate >= 2e6)
    for what, most in (("csv", 3), ("hdf5", 1)):
        seconds = 830000 / data[f"load/{what}/2"].median
        target(f"loading 830,000 x 17, {what}, 2 threads", f"{seconds:.2f} s", f"under {most} s", seconds < most)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        seconds = statistics.median(headline_seconds(build, folder) for _ in range(count))
        target("10 epochs of jsc-tiny over 789,444 jets, batch 256, 2 threads", f"{seconds:.2f} s", "under 1 s", seconds < 1)
        for rows in (1000, 200000):
            starts = [seconds_to_first_step(build, folder, rows) for _ in range(11)]
            wall, processor = (statistics.median(side) * 1e3 for side in zip(*starts))
            print(f"Process start to first step with {rows:,} jets, 1 thread: {wall:.0f} ms, "
                  f"{processor:.0f} ms of processor time")
            if rows == 1000:
                target("process start to first step, 1,000 jets", f"{wall:.0f} ms", "under 50 ms", wall < 50)
        peak = max(peak_mebibytes(build, folder) for _ in range(3))
        target("peak memory of training on 200,000 jets", f"{peak:.0f} MiB", "under 80 MiB", peak < 80)
        profiles = [profile(build, folder, 830000) for _ in range(count)]
        wall, processor, memory = (statistics.median(side) for side in zip(*profiles))
        print(f"Statistics of all activations of jsc-test over 830,000 emulated jets, 2 threads: {wall:.2f} s, "
              f"{processor:.2f} s of processor time, {memory:.0f} MiB at most; "
              f"over 8,300,000: {profile(build, folder, 8300000)[2]:.0f} MiB")
        target("profile of jsc-test over 830,000 emulated jets, 2 threads", f"{wall:.2f} s", "under 5 s", wall < 5)
        checks = [verify_seconds(build, folder) for _ in range(count)]
        seconds = statistics.median(check[0] for check in checks)
        print(f"Verification of jsc-hls4ml at 8 bits over 830,000 jets, 2 threads: {checks[0][1]:,} values with two executors "
              f"in {seconds:.2f} s")
        target("verify jsc-hls4ml, 8 bits, 830,000 jets, 2 threads", f"{seconds:.2f} s", "under 5 s", seconds < 5)
        if torch:
            pairs = test_accuracies(build, folder)
            print("Test accuracy of jsc-toy after 10 epochs (jsc, PyTorch): "
                  + "; ".join(f"{ours:.4f}, {theirs:.4f}" for ours, theirs in pairs))
            ours, theirs = (100 * statistics.mean(side) for side in zip(*pairs))
            target("accuracy of jsc-toy after 10 epochs less PyTorch's, mean of 3 seeds",
                   f"{ours - theirs:+.2f} points", "within 0.5", abs(ours - theirs) <= 0.5)

    print("\n| target | found | wanted | |\n|---|---|---|---|")
    for row in targets:
        print(f"| {' | '.join(row)} |")
    return 1 if any(row[3] == "MISSED" for row in targets) else 0


if __name__ == "__main__":
    sys.exit(main())
