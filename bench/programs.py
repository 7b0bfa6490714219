"""What a user feels, measured on the program itself: training, start-up, memory, statistics, verification, learning."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's, which has python3-torch

# One thread unless asked for; BLAS free to choose its kernels; no page faults for torch's large temporaries.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "BLIS_", "MKL_", "OMP_"))}
ENVIRONMENT |= {"OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "1073741824",
                "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TOP_PAD_": "67108864"}
# OpenBLAS 0.3.21 takes processors newer than itself for a Prescott of 2004 and is then four times too slow, and torch with it.
if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text().split():
    ENVIRONMENT["OPENBLAS_CORETYPE"] = "SKYLAKEX"


def output(*command, **environment):
    return subprocess.run(command, env=ENVIRONMENT | environment, check=True, stdout=subprocess.PIPE, text=True).stdout


ROWS = 830000  # as many as the public data set has
HEADLINE_ROWS = 1096450  # 789,444 of them are training rows, as many as in MASE's log


def headline_seconds(build, folder):
    """Ten epochs of jsc-tiny at batch 256 by the program itself, 2 threads, loading apart: epochs with validation."""
    command, out = train_command(build, folder, "--quiet", "--data", f"emulated:{HEADLINE_ROWS}", "--batch-size", "256",
                                 "--max-epochs", "10", "--threads", "2", network="jsc-tiny")
    output(*command)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data"]["rows_train"] == 789444
    return summary["seconds"]


QUANTIZE = """
[passes.quantize]
by = "type"
[passes.quantize.default.config]
name = "integer"
"""


def integers(build, folder):
    """jsc-hls4ml at 8 bits over 830,000 jets: {name: seconds} of verify, by 2 threads, and of infer with its files, by one."""
    config = folder / "quantize.toml"
    config.write_text(QUANTIZE + "".join(f"{tensor}_width = 8\n{tensor}_frac_width = 4\n"
                                         for tensor in ("data_in", "weight", "bias")))
    out = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
    program = build / "apps/jsc-train"
    output(program, "transform", "jsc-hls4ml", "--config", config, "--out", out, "--quiet")
    start = time.perf_counter()
    report = json.loads(output(program, "verify", "--load", out, "--data", f"emulated:{ROWS}", "--threads", "2", "--json"))
    assert report["mismatches"] == 0
    found = {"verify": report["seconds"], "verify, whole": time.perf_counter() - start}
    for kind, ending in (("csv", "csv"), ("hdf5", "npy")):
        jets = folder / f"jets.{kind}"
        output(program, "data", "make", jets, "--rows", str(ROWS), "--quiet")
        start = time.perf_counter()
        text = subprocess.run(
            [program, "infer", "--load", out / "integer.safetensors", "--data", jets, "--out", folder / f"classes.{ending}", "--threads", "1"],
            env=ENVIRONMENT, check=True, capture_output=True, text=True)  # fmt: skip
        found[f"infer, {kind}"] = time.perf_counter() - start
        said = re.search(r"in ([0-9.]+) s: .* (\d+) % inferring", text.stdout + text.stderr)
        found[f"infer, {kind}, inferring"] = float(said[1]) * int(said[2]) / 100
    return found


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
    assert process.wait() == 0, command
    return wall, processor


def peak_mebibytes(build, folder):
    environment = {k: v for k, v in ENVIRONMENT.items() if not k.startswith("MALLOC_")}
    command, _ = train_command(build, folder, "--quiet", "--data", "emulated:200000", "--max-epochs", "2")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_maxrss / 1024


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


def test_accuracies(build):
    """Ten epochs of jsc-toy, ours and PyTorch's, for each of three seeds."""
    found = {"jsc": [], "pytorch": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        x = folder / "jets.npy"
        output(build / "apps/jsc-train", "data", "make", x, "--rows", "200000", "--quiet")
        y = next(path for path in folder.glob("*.npy") if path != x)
        for seed in ("0", "1", "2"):
            command, out = train_command(build, folder, "--quiet", "--data", x, "--max-epochs", "10", "--seed", seed)
            output(*command)
            found["jsc"].append(json.loads((out / "summary.json").read_text())["test_accuracy"])
            found["pytorch"].append(json.loads(output(PYTHON, HERE / "peers/learn_torch.py", x, y, "10", seed))["test_accuracy"])
    return found


def measure(build, quick):
    """One round: {name: seconds or MiB}."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found["headline"] = headline_seconds(build, folder)
        for rows in (1000,) if quick else (1000, 200000):
            starts = [seconds_to_first_step(build, folder, rows) for _ in range(5)]
            wall, processor = (statistics.median(side) for side in zip(*starts))
            found |= {f"start of {rows:,}": wall, f"start of {rows:,}, processor": processor}
        found["peak memory"] = peak_mebibytes(build, folder)
        if not quick:
            wall, processor, memory = profile(build, folder, ROWS)
            found |= {"profile": wall, "profile, processor": processor, "profile, memory": memory}
            found |= integers(build, folder)
    return found


def measure_once(build):
    """What is too long to repeat."""
    with tempfile.TemporaryDirectory() as name:
        return {"profile of 8,300,000, memory": [profile(build, pathlib.Path(name), 8300000)[2]]}
