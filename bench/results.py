"""Figures of a run of the benchmarks: their values in each round, and the file that keeps them.

A file is JSON: {"machine": {...}, "figures": {section: {name: [value of each round, ...]}}}. Values are rates (more is better)
but in the section "program", where they are seconds and MiB. A name that ends in " A/B" is a ratio that one round measured.
"""
import json
import statistics


class Figure:
    """Median and spread of one figure over the rounds."""

    def __init__(self, values):
        self.values = values
        self.median = statistics.median(values)
        self.spread = (max(values) - min(values)) / abs(self.median) if self.median else 0.0


class Section(dict):
    """{name: values of the rounds}; what was not measured is None."""

    def figure(self, name):
        return Figure(self[name]) if name in self else None

    def ratio(self, name, against):
        """The median of the rounds' ratios."""
        if name not in self or against not in self:
            return None
        return Figure([a / b for a, b in zip(self[name], self[against])])

    def mean(self, names):
        """The geometric mean of several figures, round by round."""
        columns = [self[name] for name in names]
        return Figure([statistics.geometric_mean(values) for values in zip(*columns)]) if columns else None


def save(path, machine, figures):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "figures": figures}, indent=1) + "\n")


def load(path):
    """(machine, {section: Section})"""
    content = json.loads(path.read_text())
    return content["machine"], {name: Section(values) for name, values in content["figures"].items()}
