#!/usr/bin/env python3
"""How time and memory of training grow with rows, width, depth, batch and threads.

  bench/growth.py [BUILD [OUT]]      default: build; OUT is a folder for growth.json, tables.md and growth.svg

Trains real networks by the real program on emulated jets and reads its summary and peak memory (of the whole process). Each
figure is the median of three runs, one after the other through the whole list, so that a disturbance does not hit one
figure alone. Prints Markdown, as docs/performance.md has it; takes about six minutes on two cores.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
ROWS = [10_000, 100_000, 1_000_000, 10_000_000]
WIDTHS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048]
DEPTHS = [1, 2, 4, 8, 16, 32, 64]
BATCHES = [16, 64, 256, 1024, 4096, 16384, 65536]
FLOPS_A_ROUND = 6e10  # of a run: enough steps to measure, few enough to wait for


def network(width, depth):
    """16 - width x depth - 5, each hidden layer linear, batch norm, ReLU: (TOML, weights of the linear layers)."""
    layers = "".join(f'  {{ type = "linear", out = {width} }},\n  {{ type = "batch_norm" }},\n  {{ type = "relu" }},\n'
                     for _ in range(depth))
    weights = 16 * width + (depth - 1) * width * width + width * 5
    return f'name = "{width}x{depth}"\nlayers = [\n{layers}  {{ type = "linear", out = "classes" }},\n]\n', weights


def cases():
    """(growth, value, width, depth, rows, batch, threads); 6 flops a weight and row: forward, d_x and d_w."""
    for rows in ROWS:
        yield "rows", rows, 32, 2, rows, 256, 1
    for width in WIDTHS:
        yield "width", width, width, 2, 200_000, 256, 1
    for depth in DEPTHS:
        yield "depth", depth, 32, depth, 200_000, 256, 1
    for threads in (1, 2):
        for batch in BATCHES:
            yield f"batch, {threads} thread{'s' * (threads > 1)}", batch, 64, 2, 200_000, batch, threads


def measure(build, folder, growth, value, width, depth, rows, batch, threads):
    toml, weights = network(width, depth)
    model, out = folder / "net.toml", folder / "run"
    model.write_text(toml)
    shutil.rmtree(out, ignore_errors=True)
    steps = max(20, int(FLOPS_A_ROUND / (6 * weights * batch)))
    command = [build / "apps/jsc-train", "train", model, "--data", f"emulated:{rows}", "--batch-size", str(batch), "--threads",
               str(threads), "--out", out, "--quiet", "--no-report", "--max-epochs", "1" if growth == "rows" else "1000"]
    command += [] if growth == "rows" else ["--max-steps", str(min(steps, 4 * 144_000 // batch + 1))]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench/growth.py: {growth} {value}: jsc-train ended with {process.returncode}")
    wall = time.perf_counter() - start
    summary = json.loads((out / "summary.json").read_text())
    rate = summary["samples_per_second"]
    return {"wall": wall, "rate": rate, "gflops": 6e-9 * weights * rate, "mebibytes": usage.ru_maxrss / 1024}


def print_tables(figures, file):
    for growth, column in (("rows", "rows"), ("width", "width"), ("depth", "hidden layers")):
        print(f"\n| {column} | process, s | thousand rows/s | GFLOP/s | peak memory, MiB |\n|---|---|---|---|---|", file=file)
        for (name, value), f in figures.items():
            if name == growth:
                print(f"| {value:,} | {f['wall']:.2f} | {f['rate'] / 1e3:,.0f} | {f['gflops']:.0f} | {f['mebibytes']:.0f} |", file=file)
    print("\n| batch | thousand rows/s, 1 thread | 2 threads | ratio | peak memory, MiB |\n|---|---|---|---|---|", file=file)
    for batch in BATCHES:
        one, two = figures["batch, 1 thread", batch], figures["batch, 2 threads", batch]
        print(f"| {batch:,} | {one['rate'] / 1e3:,.0f} | {two['rate'] / 1e3:,.0f} | {two['rate'] / one['rate']:.2f} | "
              f"{one['mebibytes']:.0f} |", file=file)


def draw(figures, path):
    """Four panels, log-log: time of an epoch by rows, GFLOP/s by width and depth, rows/s by batch."""
    data = "".join(f"${''.join(c for c in growth if c.isalnum())} << EOD\n"
                   + "".join(f"{value} {f['wall']} {f['rate']} {f['gflops']} {f['mebibytes']}\n"
                             for (name, value), f in figures.items() if name == growth) + "EOD\n"
                   for growth in dict.fromkeys(name for name, _ in figures))
    script = data + """
set terminal svg size 900,640 dynamic font 'sans-serif,13' background 'white'
set logscale xy; set grid; set key top left; set format x '%.0s%c'; set format y '%.0s%c'
set multiplot layout 2,2
set style data linespoints
set xlabel 'rows'; set ylabel 'seconds, MiB'
plot $rows using 1:2 title 'process, s' lw 2 pt 7, $rows using 1:5 title 'peak memory, MiB' lw 2 dt 2 pt 5
set xlabel 'width'; set ylabel 'GFLOP/s'
plot $width using 1:4 title 'two hidden layers' lw 2 pt 7
set xlabel 'hidden layers of 32'; set ylabel 'rows/s'
plot $depth using 1:3 title 'batch 256' lw 2 pt 7
set xlabel 'batch'; set ylabel 'rows/s'
plot $batch1thread using 1:3 title '1 thread' lw 2 pt 7, $batch2threads using 1:3 title '2 threads' lw 2 dt 2 pt 5
unset multiplot
"""
    svg = subprocess.run(["gnuplot"], input=script, check=True, stdout=subprocess.PIPE, text=True).stdout
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(ROUNDS):
            rounds.append({case[:2]: measure(build, pathlib.Path(name), *case) for case in cases()})
    figures = {key: {what: statistics.median(r[key][what] for r in rounds) for what in rounds[0][key]} for key in rounds[0]}
    print_tables(figures, sys.stdout)
    if len(sys.argv) > 2:
        out = pathlib.Path(sys.argv[2])
        out.mkdir(parents=True, exist_ok=True)
        with open(out / "tables.md", "w", encoding="utf-8") as file:
            print_tables(figures, file)
        (out / "growth.json").write_text(json.dumps([{"growth": k[0], "value": k[1], **f} for k, f in figures.items()], indent=1))
        draw(figures, out / "growth.svg")


if __name__ == "__main__":
    main()
