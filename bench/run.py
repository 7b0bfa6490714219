#!/usr/bin/env python3
"""Runs the benchmarks beside their peers and holds the results against the project's targets and a stored baseline.

  bench/run.py [BUILD] [--quick] [--rounds N] [--only SECTION,...] [--save-baseline]      ./dev bench builds first
  bench/run.py --show FILE [--save-baseline]                                              the tables of an earlier run

Each round runs all peers one after the other, so that a disturbance of the machine hits all of them; figures are
medians over the rounds, ratios are medians of each round's ratio, the spread is (largest - smallest) / median.
Peers that are not installed are left out. Prints Markdown; the raw figures and the machine go to BUILD/bench-results/.
Exit code 1: a target was missed, or in a whole run not measured. --quick: one round of fewer cases, in place of three.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import baseline
import machine
import programs
import results
import tables
from programs import ENVIRONMENT, PYTHON, output

HERE = pathlib.Path(__file__).resolve().parent

# Section: program, counter, seconds a case at least, and the cases of --quick.
PROGRAMS = {
    "training": ("bench_training", ("samples", "peak"), 0.1, "^peak$|/256/1/|/1024/1/evaluate|jsc-(test|hls4ml)/4096/"),
    "ops": ("bench_ops", None, None, "/256/"),
    "integer": ("bench_integer", "jets", 0.1, "(8-bit|16-bit|accum16)/(1|16384)$"),
    "fixed": ("bench_fixed", ("casts", "lines"), 0.02, "rnd_conv.sat/|batch/"),
    "data": ("bench_data", "rows", 0.2, "/2"),
    "gemm": ("bench_gemm", None, None, "/256/1/iter|/1024/2/iter"),
}


def google(program, *options, **environment):
    """The benchmarks of a program that ran to their end; one that found a wrong result ends the whole run."""
    runs = json.loads(output(program, "--benchmark_format=json", *options, **environment))["benchmarks"]
    for run in runs:
        if "error_occurred" in run:
            sys.exit(f"bench/run.py: {program.name} {run['name']}: {run['error_message']}")
    return runs


def rates(build, section, quick):
    """{name: rate} of one round of a section's program."""
    program, counters, seconds, few = PROGRAMS[section]
    options = [f"--benchmark_min_time={seconds}"] if seconds else []
    options += [f"--benchmark_filter={few}"] if quick else []
    found = {}
    # OpenMP's threads wait for more work by spinning for 14 ms, through all the next contestant's turn; so for 0.1 ms.
    environment = {"GOMP_SPINCOUNT": "2000"} if section == "gemm" else {}
    for run in google(build / "bench" / program, *options, **environment):
        if section in ("gemm", "ops"):  # races: every counter is a figure of its own
            case = "/".join(part for part in run["name"].split("/") if not part.startswith(("iterations:", "manual_time")))
            separator = " " if section == "gemm" else "/"
            found |= {f"{case}{separator}{who}": value for who, value in run.items()
                      if who.startswith(("jsc", "libtorch", "eigen", "elements"))}  # fmt: skip
        else:
            for counter in (counters,) if isinstance(counters, str) else counters:
                if counter in run:
                    found[run["name"].removesuffix("/real_time")] = run[counter]
    return found


def training_rates(build, quick, torch):
    found = rates(build, "training", quick)
    if torch and not quick:
        found |= {f"{k}/pytorch": v for k, v in json.loads(output(PYTHON, HERE / "peers/train_torch.py")).items()}
    if torch:
        found |= {f"{k}/frozen": v for k, v in json.loads(output(PYTHON, HERE / "peers/infer_torch.py")).items()}
    return found


def measure(build, rounds, quick, only):
    torch = subprocess.run((PYTHON, "-c", "import torch"), stderr=subprocess.DEVNULL, check=False).returncode == 0
    sections = {section: (lambda section=section: rates(build, section, quick)) for section in PROGRAMS}
    sections["training"] = lambda: training_rates(build, quick, torch)
    sections["program"] = lambda: programs.measure(build, quick)
    figures = {}
    for section, once in sections.items():
        if only and section not in only:
            continue
        start = time.monotonic()
        values = [once() for _ in range(rounds)]
        figures[section] = results.Section({name: [r[name] for r in values] for name in values[0]})
        if section == "program" and not quick:
            figures[section] |= programs.measure_once(build)
        print(f"bench/run.py: {section} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    if torch and not quick and (not only or "accuracy" in only):
        figures["accuracy"] = results.Section(programs.test_accuracies(build))
    return figures


def main():
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="SECTION,...")
    parser.add_argument("--save-baseline", action="store_true")
    parser.add_argument("--show", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--baselines", type=pathlib.Path, default=HERE / "baseline", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.save_baseline and (options.quick or options.only):
        parser.error("--save-baseline needs a whole run, without --quick and --only")
    if options.only and (unknown := set(options.only) - set(tables.PRINTERS)):
        parser.error(f"--only: expected some of {', '.join(tables.PRINTERS)}, found {', '.join(sorted(unknown))}")

    if options.show:
        where, figures = results.load(options.show)
    else:
        build = options.build.resolve()
        where = machine.describe(HERE.parent) | {"quick": options.quick, "only": options.only}
        figures = measure(build, options.rounds or (1 if options.quick else 3), options.quick, options.only)
        where["load_after"] = os.getloadavg()
        path = build / "bench-results" / f"{where['date'].replace(':', '-')}{'_quick' if options.quick else ''}.json"
        results.save(path, where, figures)
        print(f"bench/run.py: raw figures in {path}", file=sys.stderr)
    whole = not where.get("quick") and not where.get("only")
    print(f"{where['cpu']}, {where['isa']}, {where['cores']} cores, {where['system']}, commit {where['commit']}, {where['date']}, "
          f"load average {where['load_before'][0]:.1f} before and {where['load_after'][0]:.1f} after")
    if where.get("quick"):
        print("Few cases, once: means are over these alone, and there is no spread.")
    missed = tables.print_all(figures, whole)
    baseline.print_comparison(options.baselines, where, figures)
    if options.save_baseline and not whole:
        parser.error("--save-baseline needs a whole run")
    if options.save_baseline:
        print(f"\nThe baseline is {baseline.save(options.baselines, where, figures)}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
