"""Holds a run against a stored one: what became slower or faster by more than both runs' spread.

Ratios to a peer measured in the same round are compared wherever there are any; figures without a peer only on the processor
that the baseline is from. Of the products of layers the geometric means over the layers are kept.
"""
import json
import re


LEAST_CHANGE = 0.05  # less is never told
MOST_SPREAD = 0.5  # what scattered more when the baseline was made tells nothing
# Measured by the wall, mostly on two threads: not comparable on a machine that had other things to do.
BY_THE_WALL = re.compile(r"2 threads|/2/jsc|threads:2|^data/.*/[12]$|^program/(?!.*(processor|memory))")
PEERS = ("libtorch", "pytorch", "frozen", "eigen", "plain_c", "systemc", "elements")
LAYER_PEERS = ("jsc/libxsmm", "jsc/onednn", "jsc/openblas", "jsc/peak")


def layer_means(gemm):
    """{"ROLE/BATCH/THREADS jsc/PEER": Figure} over the layers, and each square by itself."""
    groups = {}
    for name in gemm:
        case, counter = name.split(" ")
        role, inputs, outputs, batch, threads = case.split("/")
        if inputs == outputs == batch:
            if counter == "jsc/openblas":
                groups[f"{role}, square of {batch}, {threads} threads {counter}"] = [name]
        elif counter in LAYER_PEERS:
            groups.setdefault(f"{role}, batch {batch}, {threads} threads {counter}", []).append(name)
    return {group: gemm.mean(names) for group, names in groups.items()}


def busy(machine):
    return max(machine["load_before"][0], machine["load_after"][0]) > machine["cores"]


def kept(machine, figures):
    """{name: (Figure, is it a ratio, is more better)}: what a baseline is made of."""
    found = all_kept(figures)
    return {name: entry for name, entry in found.items() if not (busy(machine) and BY_THE_WALL.search(name))}


def all_kept(figures):
    found = {}
    for section, values in figures.items():
        if section == "accuracy":
            continue
        if section == "gemm":
            found |= {f"gemm/{name}": (figure, True, True) for name, figure in layer_means(values).items()}
            continue
        for name in values:
            case, _, who = name.rpartition("/")
            if who in PEERS:
                continue
            against = {"jsc": "libtorch", "evaluate": "frozen"}.get(who)
            ratio = values.ratio(name, f"{case}/{against}") if against else None
            if section == "training" and case.endswith("/2"):
                against, ratio = "1 thread", values.ratio(name, f"{case[:-1]}1/{who}")
            found[f"{section}/{name}" + (f" / {against}" if ratio else "")] = (
                ratio or values.figure(name), ratio is not None, section != "program")  # fmt: skip
    return found


def file_name(machine):
    """One file a model of processor."""
    return re.sub(r"[^a-z0-9]+", "_", f"{machine['cpu']}".lower()).strip("_") + ".json"


def save(folder, machine, figures):
    """A file {"machine": ..., "figures": {name: [median, spread]}}."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(machine)
    entries = {name: [float(f"{figure.median:.4g}"), round(figure.spread, 3)]
               for name, (figure, _, _) in kept(machine, figures).items() if figure.spread <= MOST_SPREAD}  # fmt: skip
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
    path.write_text(f'{{"machine": {json.dumps(machine)},\n "figures": {{\n{lines}\n}}}}\n')
    return path


def find(folder, machine):
    """The baseline of this processor, else any other, else None."""
    own = folder / file_name(machine)
    return own if own.exists() else next(iter(sorted(folder.glob("*.json"))), None)


def compare(path, machine, figures):
    """(lines to print, one a figure that changed; how many were compared)"""
    stored = json.loads(path.read_text())
    same_processor, before = stored["machine"]["cpu"] == machine["cpu"], stored["figures"]
    lines, compared = [], 0
    for name, (figure, ratio, more_is_better) in kept(machine, figures).items():
        if name not in before or not (ratio or same_processor):
            continue
        compared += 1
        median, spread = before[name]
        change = figure.median / median - 1 if median else 0.0
        if abs(change) > max(LEAST_CHANGE, spread, figure.spread):
            better = (change > 0) == more_is_better
            lines.append(f"| {name} | {median:.4g} | {figure.median:.4g} | {change:+.0%} | {max(spread, figure.spread):.0%} | "
                         f"{'better' if better else 'WORSE'} |")
    return lines, compared


def print_comparison(folder, machine, figures):
    path = find(folder, machine)
    if path is None:
        print("\nThere is no baseline to compare with; --save-baseline writes one.")
        return
    stored = json.loads(path.read_text())["machine"]
    lines, compared = compare(path, machine, figures)
    ratios_only = "" if stored["cpu"] == machine["cpu"] else ": another processor, so only ratios to peers"
    print(f"\nAgainst the baseline of {stored['date'][:10]} (commit {stored['commit']}, {stored['cpu']}){ratios_only}: "
          f"{len(lines)} of {compared} figures differ by more than their spread and {LEAST_CHANGE:.0%}.\n")
    if lines:
        print("| figure | then | now | change | spread | |\n|---|---|---|---|---|---|")
        print("\n".join(lines))
