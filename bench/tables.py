"""The tables of a run and what it is held against, as Markdown. What was not measured is left blank, but for targets."""
import re
import statistics

from results import Section

NETWORKS = ("jsc-tiny", "jsc-toy", "jsc-test", "jsc-hls4ml")
CASES = [(1, b) for b in (32, 64, 256, 1024, 4096)] + [(2, b) for b in (1024, 4096)]
# Of the linear layers for one sample: a multiplication and an addition a weight; forward, d_x and d_w.
TRAINING_FLOPS = {"jsc-tiny": 6 * 80, "jsc-toy": 6 * 232, "jsc-test": 6 * 10344, "jsc-hls4ml": 6 * 4256}
# How many times as fast as LibTorch a training step on 1 thread has to be, at batch 32, 64, 256, 1024, 4096.
TRAINING_TARGETS = {"jsc-tiny": (100, 60, 35, 20, 15), "jsc-toy": (100, 80, 35, 18, 10),
                    "jsc-test": (15, 11, 5, 3, 2.5), "jsc-hls4ml": (15, 11, 5, 3, 2.5)}  # fmt: skip
# Of the products of a layer: role, share of the FMA peak that the geometric mean has to reach.
GEMM_TARGETS = {"forward": 0.80, "d_x": 0.80, "d_w": 0.70}
INTEGER_TARGETS = {"jsc-hls4ml/8-bit": 20e6, "jsc-hls4ml/16-bit": 8e6, "jsc-hls4ml/16-bit-accum16": 4e6, "jsc-toy/8-bit": 60e6}
INTEGER_VARIANTS = ("avx512", "avx2", "portable", "verification")
DELEGATED = 0.97  # a product handed to OpenBLAS is the same call, so its ratio scatters about 1


class Targets:
    """Values are numbers or Figures, of which the median counts, or None where there is none."""

    def __init__(self, whole):
        self.whole = whole  # whether everything should have been measured
        self.rows = []

    def least(self, what, value, wanted, text):
        """text formats a value, as "{:.1f}x"."""
        self.compare(what, value, wanted, text, f"at least {text.format(wanted)}", lambda number: number >= wanted)

    def most(self, what, value, wanted, text):
        self.compare(what, value, wanted, text, f"under {text.format(wanted)}", lambda number: number < wanted)

    def compare(self, what, value, wanted, text, words, met):
        number = getattr(value, "median", value)
        self.add(what, "" if number is None else shown(number, wanted, text), words, None if number is None else met(number))

    def add(self, what, found, wanted, met):
        """met: True, False, or None where nothing was measured."""
        if met is not None or self.whole:
            self.rows.append((what, found, wanted, {True: "met", False: "MISSED", None: "NOT MEASURED"}[met]))

    def missed(self):
        return sum(row[3] != "met" for row in self.rows)


def shown(value, wanted, text):
    """The value as text says, with as many digits more as it takes to stand on the same side of what is wanted."""
    digits, unit = re.fullmatch(r"{:\.(\d+)f}(.*)", text).groups()
    for more in range(10):
        number = f"{value:.{int(digits) + more}f}"
        if (float(number) >= wanted) == (value >= wanted):
            break
    return number + unit


def print_table(title, header, rows):
    if not rows:
        return
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def rate(figure, unit=1.0, digits=1):
    return f"{figure.median / unit:.{digits}f} ({figure.spread:.0%})" if figure else ""


def times(figure, digits=1):
    return f"{figure.median:.{digits}f}" if figure else ""


def scaled(figure, factor):
    return figure.median * factor if figure else None


def inverse(figure, amount):
    """The time that so much takes at this rate."""
    return amount / figure.median if figure else None


def print_training(figures, targets):
    rows = []
    peak = figures.figure("peak")
    for network in NETWORKS:
        for threads, batch in CASES:
            case = f"{network}/{batch}/{threads}"
            own = figures.figure(f"{case}/jsc")
            if own is None:
                continue
            rows.append([network, str(threads), str(batch)]
                        + [rate(figures.figure(f"{case}/{who}"), 1e3, 0) for who in ("jsc", "libtorch", "pytorch")]
                        + [times(figures.ratio(f"{case}/jsc", f"{case}/{who}")) for who in ("libtorch", "pytorch")]
                        + [f"{own.median * TRAINING_FLOPS[network] / 1e9:.0f}"
                           + (f" ({own.median * TRAINING_FLOPS[network] / peak.median / threads:.0%})" if peak else "")])  # fmt: skip
    print_table("Training, thousand samples/s (spread), how many times as fast as each peer, and GFLOP/s of jsc (of the peak of as many cores)",
                ("network", "threads", "batch", "jsc", "LibTorch", "PyTorch", "/ LibTorch", "/ PyTorch", "GFLOP/s (of peak)"), rows)  # fmt: skip
    rows = []
    for network in NETWORKS:
        for batch in (1024, 4096):
            one, two = f"{network}/{batch}/1", f"{network}/{batch}/2/jsc"
            if gain := figures.ratio(two, f"{one}/jsc"):
                beside = figures.ratio(f"{one}/beside", f"{one}/jsc")
                rows.append([network, str(batch), rate(figures.figure(f"{one}/jsc"), 1e3, 0), rate(figures.figure(two), 1e3, 0),
                             times(gain, 2), f"{2 * beside.median:.2f}" if beside else ""])
    print_table("Training with 2 threads, thousand samples/s (spread), and how many times 1 thread: one network by 2 threads, and two "
                "networks at once with nothing in common, each by its own thread",
                ("network", "batch", "1 thread", "2 threads", "/ 1 thread", "two networks / one"), rows)  # fmt: skip
    rows = []
    for network in NETWORKS:
        case = f"{network}/1024/1"
        if figures.figure(f"{case}/evaluate"):
            rows.append([network] + [rate(figures.figure(f"{case}/{who}"), 1e6) for who in ("evaluate", "frozen")]
                        + [times(figures.ratio(f"{case}/evaluate", f"{case}/frozen"))])  # fmt: skip
    print_table("Evaluation in float32, batch 1,024, 1 thread, million samples/s (spread)",
                ("network", "jsc", "frozen TorchScript", "/ frozen"), rows)  # fmt: skip

    for network, wanted in TRAINING_TARGETS.items():
        for (_, batch), least in zip(CASES, wanted):
            case = f"{network}/{batch}/1"
            targets.least(f"training {network}, batch {batch}, 1 thread, against LibTorch",
                          figures.ratio(f"{case}/jsc", f"{case}/libtorch"), least, "{:.1f}x")
    for network in ("jsc-test", "jsc-hls4ml"):
        for batch in (1024, 4096):
            targets.least(f"training {network}, batch {batch}, 2 threads against 1",
                          figures.ratio(f"{network}/{batch}/2/jsc", f"{network}/{batch}/1/jsc"), 1.7, "{:.2f}x")
    for network in NETWORKS:
        targets.least(f"evaluation of {network}, batch 1,024, 1 thread, against frozen TorchScript",
                      figures.ratio(f"{network}/1024/1/evaluate", f"{network}/1024/1/frozen"), 2, "{:.1f}x")


def print_gemm(figures, targets):
    cases = [name.split(" ")[0].split("/") for name in figures if name.endswith(" jsc")]
    for threads in ("1", "2"):
        rows = []
        for role, least in GEMM_TARGETS.items():
            layers = ["/".join(case) for case in cases if case[0] == role and case[4] == threads and not case[1] == case[2] == case[3]]

            def ratios(counter, layers=layers):
                return [f"{case} {counter}" for case in layers if f"{case} {counter}" in figures]

            mean = {counter: figures.mean(ratios(counter))
                    for counter in ("jsc/libxsmm", "jsc/onednn", "jsc/openblas", "jsc/peak", "jsc_avx2/peak_avx2", "jsc_bias/jsc")}  # fmt: skip
            worst = min((figures.figure(name).median for name in ratios("jsc/libxsmm")), default=None)
            if threads == "2":
                gains = Section({case: [two / one for two, one in zip(figures[f"{case} jsc"], figures[f"{case[:-1]}1 jsc"])]
                                 for case in layers if f"{case[:-1]}1 jsc" in figures})  # fmt: skip
                if layers:
                    rows.append([role] + [times(mean[peer], 2) for peer in ("jsc/onednn", "jsc/openblas")]
                                + [times(gains.mean(gains), 2)])  # fmt: skip
                continue
            if layers:
                rows.append([role, times(mean["jsc/libxsmm"], 2), f"{worst:.2f}" if worst else ""]
                            + [times(mean[peer], 2) for peer in ("jsc/onednn", "jsc/openblas", "jsc/peak", "jsc_avx2/peak_avx2", "jsc_bias/jsc")])  # fmt: skip
            targets.least(f"{role}, against the best of libxsmm, mean", mean["jsc/libxsmm"], 1, "{:.2f}")
            targets.least(f"{role}, against the best of libxsmm, worst", worst, 0.85, "{:.2f}")
            targets.least(f"{role}, share of the FMA peak, mean", mean["jsc/peak"], least, "{:.2f}")
            targets.least(f"{role} by AVX2, share of its FMA peak, mean", mean["jsc_avx2/peak_avx2"], 0.8, "{:.2f}")
        if threads == "1":
            print_table("Products of layers, 1 thread, geometric means over the layers and batch sizes",
                        ("role", "/ libxsmm", "worst", "/ oneDNN", "/ OpenBLAS", "of peak", "AVX2, of its peak", "with bias / without"), rows)  # fmt: skip
        else:
            print_table("Products of layers, 2 threads (each of its peers too), geometric means, and against jsc's own 1 thread",
                        ("role", "/ oneDNN", "/ OpenBLAS", "/ 1 thread"), rows)  # fmt: skip

    rows = []
    for threads in ("1", "2"):
        for role in GEMM_TARGETS:
            for side in (256, 512, 1024, 2048):
                case = f"{role}/{side}/{side}/{side}/{threads}"
                if threads == "1":
                    blas = figures.figure(f"{case} jsc_blas/openblas")
                    targets.add(f"{role}, square of {side}, with --blas, against OpenBLAS", shown(blas.median, DELEGATED, "{:.2f}x") if blas else "",
                                "at least 1x, within 3 %", blas.median >= DELEGATED if blas else None)  # fmt: skip
                own = figures.figure(f"{case} jsc")
                if own is None:
                    continue
                rows.append([role, str(side), threads, f"{own.median:.0f}"]
                            + [times(figures.figure(f"{case} {counter}"), 2)
                               for counter in ("jsc/openblas", "jsc_blas/openblas", "jsc/onednn")])  # fmt: skip
    print_table("Square products: GFLOP/s of jsc's own kernels, and against OpenBLAS without and with --blas",
                ("role", "side", "threads", "GFLOP/s", "/ OpenBLAS", "with --blas", "/ oneDNN"), rows)  # fmt: skip


def print_ops(figures, targets):
    del targets  # there are none
    rows = []
    for case in dict.fromkeys(name.rpartition("/")[0].rpartition("/")[0] for name in figures):
        batches = sorted({int(name.split("/")[-2]) for name in figures if name.startswith(f"{case}/")})
        for batch in batches:
            own, elements = f"{case}/{batch}/jsc", figures.figure(f"{case}/{batch}/elements")
            ratios = [times(figures.ratio(own, f"{case}/{batch}/{peer}")) for peer in ("libtorch", "eigen")]
            gigabytes = figures.figure(own)
            rows.append([*case.rsplit("/", 1), str(batch), f"{elements.median / 1e9:.2f}" if elements else "",
                         f"{gigabytes.median / 1e9:.0f}" if gigabytes else "", *ratios])  # fmt: skip
    print_table("Operations, 1 thread: values and bytes a second, and how many times as fast as each peer",
                ("operation", "features", "batch", "10^9 values/s", "GB/s", "/ LibTorch", "/ Eigen"), rows)  # fmt: skip


def print_integers(figures, targets):
    """Jets/s of one core, by processor time; the best instruction set, then others."""
    rows = []
    for case in [name.removesuffix("/1") for name in figures if name.endswith("/1")]:
        network, arithmetic = case.split("/")
        one = figures.figure(f"{case}/1")
        whole = figures.figure(f"{case}/16384")
        rows.append([network, arithmetic, rate(figures.figure(f"{case}/512"), 1e6), rate(whole, 1e6), f"{1e9 / one.median:.0f} ns",
                     rate(figures.figure(f"{case}/16384/real_time/threads:2"), 1e6)]
                    + [rate(figures.figure(f"{case}/{variant}/16384"), 1e6) for variant in INTEGER_VARIANTS])  # fmt: skip
    print_table("Integer inference, 1 thread, million jets/s (spread); batch 16384 but where another is given; `verification` keeps "
                "every value", ("network", "arithmetic", "batch 512", "batch 16384", "one jet", "2 threads", *INTEGER_VARIANTS), rows)  # fmt: skip
    for case, least in INTEGER_TARGETS.items():
        targets.least(f"integer {case.replace('/', ', ')}, 1 core, million jets/s", scaled(figures.figure(f"{case}/16384"), 1e-6), least / 1e6, "{:.1f}")
    targets.most("integer jsc-hls4ml, 8-bit, one jet", inverse(figures.figure("jsc-hls4ml/8-bit/1"), 1e9), 1000, "{:.0f} ns")


def print_fixed(figures, targets):
    """Fixed-point casts and jsc-fixed's batches, of one core by processor time."""
    ways = ("run_time", "compiled", "narrow", "rows32", "rows64", "plain_c", "systemc")
    modes = dict.fromkeys(name.split("/")[1] for name in figures if name.startswith("cast/"))
    print_table("Fixed-point casts, 1 thread, million/s", ("modes", *ways),
                [[mode] + [f"{f.median / 1e6:.0f}" if (f := figures.figure(f"cast/{mode}/{way}")) else "" for way in ways]
                 for mode in modes])  # fmt: skip
    for operation in ("cast", "mul"):
        targets.least(f"jsc-fixed, million lines/s of {operation}", scaled(figures.figure(f"batch/{operation}"), 1e-6), 1, "{:.1f}")


def print_data(figures, targets):
    whats = ("emulate", "load/csv", "load/hdf5")
    print_table("Data, million rows/s (spread)", ("what", "1 thread", "2 threads"),
                [[what] + [rate(figures.figure(f"{what}/{threads}"), 1e6, 2) for threads in (1, 2)] for what in whats])  # fmt: skip
    targets.least("emulator, 2 threads, million jets/s", scaled(figures.figure("emulate/2"), 1e-6), 2, "{:.2f}")
    for what, most in (("csv", 3), ("hdf5", 1)):
        targets.most(f"loading 830,000 x 17, {what}, 2 threads", inverse(figures.figure(f"load/{what}/2"), 830000), most, "{:.2f} s")


# name of the figure, what it is, wanted, format
PROGRAM = (
    ("headline", "10 epochs of jsc-tiny over 789,444 jets, batch 256, 2 threads", 1, "{:.2f} s"),
    ("start of 1,000", "process start to first step, 1,000 jets, 1 thread", 0.050, "{:.3f} s"),
    ("start of 1,000, processor", "the same, processor time", None, "{:.3f} s"),
    ("start of 200,000", "process start to first step, 200,000 jets, 1 thread", None, "{:.3f} s"),
    ("start of 200,000, processor", "the same, processor time", None, "{:.3f} s"),
    ("peak memory", "peak memory of training on 200,000 jets", 80, "{:.0f} MiB"),
    ("profile", "profile of jsc-test over 830,000 emulated jets, 2 threads", 5, "{:.2f} s"),
    ("profile, processor", "the same, processor time", None, "{:.2f} s"),
    ("profile, memory", "the same, peak memory", None, "{:.0f} MiB"),
    ("profile of 8,300,000, memory", "the same over 8,300,000 jets, peak memory", None, "{:.0f} MiB"),
    ("verify", "verify jsc-hls4ml, 8 bits, 830,000 jets, 2 threads: comparison", 5, "{:.2f} s"),
    ("verify, whole", "the same, the whole command", None, "{:.2f} s"),
    ("infer, csv", "infer jsc-hls4ml, 8 bits, 830,000 jets, 1 thread, CSV to CSV", None, "{:.2f} s"),
    ("infer, csv, inferring", "the same, without reading and writing", None, "{:.2f} s"),
    ("infer, hdf5", "infer jsc-hls4ml, 8 bits, 830,000 jets, 1 thread, HDF5 to .npy", None, "{:.2f} s"),
    ("infer, hdf5, inferring", "the same, without reading and writing", None, "{:.2f} s"),
)


def print_program(figures, targets):
    rows = []
    for name, what, most, text in PROGRAM:
        figure = figures.figure(name)
        if figure:
            rows.append([what, text.format(figure.median), f"{figure.spread:.0%}"])
        if most is not None:
            targets.most(what, figure, most, text)
    print_table("The program itself", ("what", "found", "spread"), rows)


def print_accuracy(figures, targets):
    """Test accuracies of each seed in place of rounds."""
    what = "accuracy of jsc-toy after 10 epochs less PyTorch's, mean over the seeds"
    if "jsc" not in figures:
        targets.add(what, "", "within 0.5", None)
        return
    print("\nTest accuracy of jsc-toy after 10 epochs (jsc, PyTorch): "
          + "; ".join(f"{ours:.4f}, {theirs:.4f}" for ours, theirs in zip(figures["jsc"], figures["pytorch"])))
    ours, theirs = (100 * statistics.mean(figures[who]) for who in ("jsc", "pytorch"))
    targets.add(what, f"{ours - theirs:+.2f} points", "within 0.5", abs(ours - theirs) <= 0.5)


PRINTERS = {"training": print_training, "gemm": print_gemm, "ops": print_ops, "integer": print_integers, "fixed": print_fixed,
            "data": print_data, "program": print_program, "accuracy": print_accuracy}  # fmt: skip


def print_all(figures, whole):
    """Prints what there is and returns the number of targets missed; whole: those that were not measured count as missed."""
    targets = Targets(whole)
    for section, show in PRINTERS.items():
        if whole or section in figures:
            show(figures.get(section, Section()), targets)
    print_table("Targets", ("target", "found", "wanted", ""), targets.rows)
    return targets.missed()
