"""The integer network a second time, from docs/fixed_point.md and docs/formats.md alone: Python's integers and
fractions, no line in common with the C++. Slow and plain on purpose."""
import json
import math
import struct
from fractions import Fraction

from cli import read_safetensors

HALF = Fraction(1, 2)


def to_even(x):
    return round(x)  # of a Fraction: half to even, exactly


# FX-3: what each mode makes of a number in units of the target's resolution.
ROUNDINGS = {
    "RND": lambda x: math.floor(x + HALF),
    "RND_ZERO": lambda x: math.ceil(x - HALF) if x > 0 else math.floor(x + HALF),
    "RND_MIN_INF": lambda x: math.ceil(x - HALF),
    "RND_INF": lambda x: math.floor(x + HALF) if x > 0 else math.ceil(x - HALF),
    "RND_CONV": to_even,
    "RND_CONV_ODD": lambda x: to_even(x + 1) - 1,
    "TRN": math.floor,
    "TRN_ZERO": math.trunc,
    "CEIL": math.ceil,
    "UP": lambda x: math.ceil(x) if x > 0 else math.floor(x),
}


class Format:
    def __init__(self, text):
        name, rest = text.rstrip(">").split("<")
        width, integer, self.rounding, self.overflow, saturated = rest.split(",")
        assert saturated == "0", "the oracle has no N"
        self.width, self.fraction = int(width), int(width) - int(integer)
        self.lo = -(1 << (self.width - 1)) if name == "fixed" else 0
        self.hi = self.lo + (1 << self.width) - 1

    def cast(self, value):
        """The raw number that the exact value becomes (FX-2 to FX-6)."""
        raw = ROUNDINGS[self.rounding](value * Fraction(2) ** self.fraction)
        if self.overflow == "SAT":
            return min(max(raw, self.lo), self.hi)
        if self.overflow == "SAT_SYM":
            return min(max(raw, -self.hi if self.lo else 0), self.hi)
        if self.overflow == "SAT_ZERO":
            return raw if self.lo <= raw <= self.hi else 0
        assert self.overflow == "WRAP", self.overflow
        return (raw - self.lo) % (1 << self.width) + self.lo


def value_of(raw, fraction):
    return raw * Fraction(2) ** -fraction


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class IntegerOracle:
    def __init__(self, path):
        metadata, self.tensors = read_safetensors(path)
        assert (metadata["format"], metadata["version"]) == ("jsc-integer-network", "1")
        self.program = json.loads(metadata["program"])
        self.features = json.loads(metadata["features"])
        self.classes = json.loads(metadata["classes"])

    def scaled(self, row):
        """A row's features as the network takes them: float32 after each of the two operations."""
        mean, scale = self.tensors["scaler.mean"][2], self.tensors["scaler.scale"][2]
        return [float32(float32(float32(float(row[name])) - m) / s)
                for name, m, s in zip(self.features, mean, scale)]

    def run(self, x):
        """The raw numbers of every value, for one row of scaled features."""
        values = [None] * len(self.program["values"])
        for entry in self.program["inputs"]:
            form = Format(entry["format"])
            values[entry["value"]] = [form.cast(Fraction(v)) for v in x]
        for number, step in enumerate(self.program["steps"]):
            out = self.program["values"][step["output"]]
            exact = self.step(number, step, [self.reals(values, v) for v in step["inputs"]])
            raws = [v * Fraction(2) ** out["fraction"] for v in exact]
            assert all(raw.denominator == 1 for raw in raws), f"step {number} left the grid of its value"
            values[step["output"]] = [int(raw) for raw in raws]
            assert len(raws) == out["features"]
            for raw, width in zip(raws, step.get("sum_widths", [])):
                assert -(1 << (width - 1)) <= raw < 1 << (width - 1), f"step {number}: a sum beyond its register"
        return values

    def reals(self, values, v):
        return [value_of(raw, self.program["values"][v]["fraction"]) for raw in values[v]]

    def step(self, number, step, inputs):
        """The exact values of the step's result."""
        operation, a, b = step["operation"], inputs[0], inputs[-1]
        if operation == "quantize":
            form = Format(step["format"])
            return [value_of(form.cast(v), form.fraction) for v in a]
        if operation == "relu":
            return [max(v, Fraction(0)) for v in a]
        if operation in ("add", "sub", "mul"):
            apply = {"add": lambda p, q: p + q, "sub": lambda p, q: p - q, "mul": lambda p, q: p * q}[operation]
            return [apply(p, q) for p, q in zip(a, b)]
        weights = self.parameter(number, step, "weight")
        out = len(weights) if operation == "scale_shift" else len(weights) // len(a)
        bias = self.parameter(number, step, "bias") or [Fraction(0)] * out
        if operation == "scale_shift":
            terms = [[(w, v)] for w, v in zip(weights, a)]
        else:
            assert operation == "dense", operation
            terms = [list(zip(weights[o * len(a) : (o + 1) * len(a)], a)) for o in range(out)]
        if "accumulator" not in step:
            return [start + sum(w * v for w, v in pairs) for start, pairs in zip(bias, terms)]
        # hls4ml's order of casts.
        form = Format(step["accumulator"])
        sums = []
        for start, pairs in zip(bias, terms):
            raw = form.cast(start)
            for w, v in pairs:
                raw = form.cast(value_of(raw + form.cast(w * v), form.fraction))
            sums.append(value_of(raw, form.fraction))
        return sums

    def parameter(self, number, step, name):
        if f"steps.{number}.{name}" not in self.tensors:
            return []
        fraction = Format(step[f"{name}_format"]).fraction
        return [value_of(raw, fraction) for raw in self.tensors[f"steps.{number}.{name}"][2]]
