"""jsc-fixed as a user runs it: single operations, batches against exact fractions, bad input, the examples in the documentation."""
import fractions
import math
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import time
import unittest

JSC_FIXED = pathlib.Path(os.environ["JSC_FIXED"])
ROOT = pathlib.Path(__file__).resolve().parents[2]

Fraction = fractions.Fraction


def run(*args, code=0, lines=None, raw_input=None):
    """Runs jsc-fixed and returns (stdout, stderr); any other exit code than `code` is a failure that shows both."""
    text = raw_input if raw_input is not None else "".join(line + "\n" for line in lines or [])
    done = subprocess.run([JSC_FIXED, *args], input=text.encode(), capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode != code:
        raise AssertionError(f"{args}: expected exit code {code}, found {done.returncode}\n{out}\n{err}")
    return out, err


def rows(text):
    return dict(re.split(r" +", line, maxsplit=1) for line in text.splitlines())


# The definitions once more, on Python's fractions.
def limits(width, signed):
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)


def rounded(x, mode):
    below = math.floor(x)
    if x == below:
        return below
    half = x - below - Fraction(1, 2)
    above = {
        "RND": half >= 0,
        "RND_ZERO": half > 0 or (half == 0 and x < 0),
        "RND_MIN_INF": half > 0,
        "RND_INF": half > 0 or (half == 0 and x > 0),
        "RND_CONV": half > 0 or (half == 0 and below % 2 == 1),
        "RND_CONV_ODD": half > 0 or (half == 0 and below % 2 == 0),
        "TRN": False,
        "TRN_ZERO": x < 0,
        "CEIL": True,
        "UP": x > 0,
    }[mode]
    return below + above


def in_range(raw, width, signed, mode):
    low, high = limits(width, signed)
    if mode == "SAT_SYM" and signed:
        return min(max(raw, -high if width > 1 else low), high)
    if low <= raw <= high:
        return raw
    if mode in ("SAT", "SAT_SYM"):
        return low if raw < low else high
    if mode == "SAT_ZERO":
        return 0
    raw %= 1 << width
    return raw - (1 << width) if signed and raw > high else raw


class Kind:
    """A random format and its text."""

    def __init__(self, draw, most=64):
        self.width = draw.randint(1, most)
        self.integer = draw.randint(-8, self.width + 8)
        self.signed = draw.random() < 0.5
        self.fraction = self.width - self.integer

    def __str__(self):
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"

    def raw(self, draw):
        low, high = limits(self.width, self.signed)
        return draw.choice([low, high, draw.randint(low, high), draw.randint(low, high) >> draw.randint(0, self.width)])

    def value(self, raw):
        return Fraction(raw) / Fraction(2) ** self.fraction


def result_kind(name, a, b):
    """The width, integer bits and sign of a op b by the published rules."""
    s1, s2, f2 = int(a.signed), int(b.signed), b.fraction
    if name in ("add", "sub"):
        integer = max(a.integer + (s2 and not s1), b.integer + (s1 and not s2)) + 1
        return integer + max(a.fraction, f2), integer, bool(s1 or s2 or name == "sub")
    if name == "mul":
        return a.width + b.width, a.integer + b.integer, bool(s1 or s2)
    return a.width + max(f2, 0) + s2, a.integer + f2 + s2, bool(s1 or s2)


class Calculator(unittest.TestCase):
    def refuses(self, *args, says, **options):
        out, err = run(*args, code=2, **options)
        self.assertEqual(out, "")
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertTrue(err.startswith("jsc-fixed: "), err)
        self.assertIn(says, err)

    def test_a_cast_tells_value_raw_bits_error_and_what_happened(self):
        found = rows(run("cast", "fixed<8,4,RND_CONV,SAT>", "1.28125")[0])
        self.assertEqual(
            found,
            {
                "format": "fixed<8,4,RND_CONV,SAT>",
                "value": "1.25",
                "raw": "20",
                "bits": "00010100  0x14",
                "hex": "0x14p-4",
                "error": "-0.03125",
                "rounded": "yes",
                "overflowed": "no",
            },
        )
        found = rows(run("cast", "ap_ufixed<8,4,AP_RND,AP_SAT>", "-1e400")[0])
        self.assertEqual((found["raw"], found["rounded"], found["overflowed"]), ("0", "no", "yes"))
        found = rows(run("cast", "fixed<64,1,RND>", "0.1")[0])
        self.assertEqual(found["raw"], "922337203685477581")  # a double would give ...600
        found = rows(run("cast", "Q4.4", "-.5")[0])
        self.assertEqual((found["value"], found["bits"], found["error"]), ("-0.5", "11111000  0xf8", "0"))
        found = rows(run("cast", "fixed<8,4,RND,SAT>", "-inf")[0])
        self.assertEqual((found["value"], found["error"]), ("-8", "inf"))
        self.assertEqual(rows(run("cast", "fixed<8,4,RND,SAT>", "inf")[0])["error"], "-inf")
        found = rows(run("cast", "fixed<8,4,RND,SAT>", "nan")[0])
        self.assertEqual((found["value"], found["error"], found["overflowed"]), ("0", "nan", "yes"))
        self.assertEqual(rows(run("cast", "fixed<8,4,RND,SAT>", "-nan")[0]), found)

    def test_operations_have_the_formats_and_values_of_the_law(self):
        for args, expected in {
            ("add", "fixed<8,4>", "1.5", "ufixed<8,4>", "2.25"): ("fixed<10,6>", "3.75"),
            ("sub", "ufixed<8,4>", "1.5", "ufixed<8,4>", "2.25"): ("fixed<9,5>", "-0.75"),
            ("mul", "fixed<8,4>", "-1.5", "ufixed<6,2>", "0.4375"): ("fixed<14,6>", "-0.65625"),
            ("div", "fixed<4,1>", "-0.125", "fixed<4,1>", "0.375"): ("fixed<8,5>", "-0.25"),
            ("neg", "ufixed<4,4>", "15"): ("fixed<5,5>", "-15"),
            ("shift", "fixed<8,4>", "7", "1"): ("fixed<8,4>", "-2"),
            ("shift", "fixed<8,4>", "-7", "-2"): ("fixed<8,4>", "-1.75"),
        }.items():
            with self.subTest(args=args):
                found = rows(run(*args)[0])
                self.assertEqual((found["format"], found["value"]), expected)
        for b, expected in {"1.5": "0", "-1": "1", "1.5625": "-1"}.items():
            self.assertEqual(rows(run("cmp", "fixed<8,4>", "1.5", "fixed<16,8>", b)[0])["cmp"], expected)

    def test_an_operand_that_its_format_does_not_hold_is_pointed_out(self):
        found = rows(run("add", "fixed<8,4>", "0.3", "fixed<8,4>", "9")[0])
        self.assertIn("(0.3: rounded, error -0.05)", found["a"])
        self.assertIn("(9: overflowed, error -16)", found["b"])

    def test_a_format_is_explained(self):
        found = rows(run("format", "fixed<8,4,RND,SAT_SYM>")[0])
        self.assertEqual(found["resolution"], "0.0625")
        self.assertEqual(found["min"], "-8  raw -128")
        self.assertEqual(found["max"], "7.9375  raw 127")
        self.assertIn("-7.9375", found["SAT_SYM"])

    def test_bad_arguments_are_one_line_and_exit_code_2(self):
        self.refuses("cast", "fixed<8,x>", "1", says="character 9: expected integer bits")
        self.refuses("cast", "fixed<65,4>", "1", says="character 7: expected a width from 1 to 64, found '65'")
        self.refuses("cast", "Q15", "1", says="leaves the width open")
        self.refuses("cast", "fixed<8,4>", "1,5", says="character 2: expected the end or another digit")
        self.refuses("cast", "fixed<8,4>", says="expected FORMAT NUMBER, found 1 argument")
        self.refuses("ad", "fixed<8,4>", "1", "fixed<8,4>", "1", says="did you mean 'add'")
        self.refuses("div", "fixed<8,4>", "1", "fixed<8,4>", "0", says="division by zero")
        self.refuses("mul", "ufixed<64,4>", "1", "ufixed<64,4>", "1", says="too wide: expected at most 127 bits")
        self.refuses("shift", "fixed<8,4>", "1", "x", says="expected a number of bits, found 'x'")
        self.refuses("--frobnicate", says="unknown option '--frobnicate'")
        self.refuses("cast", "fixed<8,4>", "-index", says="unknown option '-index'")

    def test_help_and_version(self):
        text = run("--help")[0]
        for words in ("fixed<W,I,Q,O,N>", "RND_CONV_ODD", "cast;SRC_FORMAT;raw;DST_FORMAT", "exit code 2"):
            self.assertIn(words, text)
        self.assertRegex(run("--version")[0], r"^jsc-fixed \d+\.\d+\.\d+\n$")


class Batch(unittest.TestCase):
    def test_random_casts_are_those_of_exact_fractions(self):
        draw = random.Random(1)
        roundings = "RND RND_ZERO RND_MIN_INF RND_INF RND_CONV RND_CONV_ODD TRN TRN_ZERO CEIL UP".split()
        lines, expected = [], []
        for _ in range(20_000):
            source, to = Kind(draw), Kind(draw)
            to.fraction = source.fraction - draw.randint(-4, 12)
            to.integer = to.width - to.fraction
            mode, overflow = draw.choice(roundings), draw.choice(["SAT", "SAT_ZERO", "SAT_SYM", "WRAP"])
            raw = source.raw(draw)
            line = f"cast;{source};{raw};{str(to)[:-1]},{mode},{overflow}>"
            x = source.value(raw) * Fraction(2) ** to.fraction
            lines.append(line)
            expected.append(f"{line};{in_range(rounded(x, mode), to.width, to.signed, overflow)}")
        self.assertEqual(run(lines=lines)[0].splitlines(), expected)

    def test_random_operations_are_those_of_exact_fractions(self):
        draw = random.Random(2)
        lines, expected = [], []
        while len(lines) < 20_000:
            a, b, name = Kind(draw), Kind(draw), draw.choice(["add", "sub", "mul", "div", "cmp"])
            ra, rb = a.raw(draw), b.raw(draw)
            x, y = a.value(ra), b.value(rb)
            line = f"{name};{a};{ra};{b};{rb}"
            if name == "cmp":
                answer = str((x > y) - (x < y))
            else:
                width, integer, signed = result_kind(name, a, b)
                if width > (128 if signed else 127) or (name == "div" and rb == 0):
                    continue
                exact = {"add": x + y, "sub": x - y, "mul": x * y, "div": 0 if name != "div" else x / y}[name]
                raw = exact * Fraction(2) ** (width - integer)
                if name == "div":
                    raw = rounded(raw, "TRN_ZERO")
                self.assertEqual(raw, int(raw))
                low, high = limits(width, signed)
                self.assertTrue(low <= raw <= high)
                answer = f"{'' if signed else 'u'}fixed<{width},{integer}>;{int(raw)}"
            lines.append(line)
            expected.append(f"{line};{answer}")
        self.assertEqual(run(lines=lines)[0].splitlines(), expected)

    def test_each_operation_of_the_help_text(self):
        lines = {
            "cast;fixed<16,6>;1300;fixed<8,4,RND,SAT>": "20",
            "cast;fixed<8,4>;-128;fixed<4,4,TRN,WRAP_SM>": "-8",
            "add;fixed<8,4>;16;fixed<8,4>;-17": "fixed<9,5>;-1",
            "sub;ufixed<8,4>;16;ufixed<8,4>;17": "fixed<9,5>;-1",
            "mul;fixed<64,1>;-9223372036854775808;fixed<64,1>;-9223372036854775808":
                "fixed<128,2>;85070591730234615865843651857942052864",
            "div;fixed<6,6>;-32;fixed<6,6>;-1": "fixed<7,7>;32",
            "cmp;ufixed<64,64>;18446744073709551615;fixed<64,64>;-1": "1",
            "neg;ufixed<8,4>;255": "fixed<9,5>;-255",
            "shift;fixed<8,4>;-3;-1": "-2",
        }
        out = run(lines=lines)[0]
        self.assertEqual(out.splitlines(), [f"{line};{answer}" for line, answer in lines.items()])

    def test_line_ends_do_not_matter_and_nothing_gives_nothing(self):
        line = "neg;fixed<8,4>;3"
        answer = f"{line};fixed<9,5>;-3\n"
        self.assertEqual(run(raw_input=line)[0], answer)
        self.assertEqual(run(raw_input=f"{line}\r\n{line}\r\n")[0], 2 * answer)
        self.assertEqual(run(raw_input="")[0], "")

    def test_lines_are_cut_right_at_the_edges_of_large_blocks(self):
        lines = [f"neg;fixed<24,4>;{i}" for i in range(200_000)]  # several blocks of 1 MiB
        expected = [f"{line};fixed<25,5>;{-i}" for i, line in enumerate(lines)]
        self.assertEqual(run(lines=lines)[0].splitlines(), expected)

    def test_more_formats_than_are_remembered(self):
        draw = random.Random(3)
        lines, expected = [], []
        for i in range(30_000):
            integer = draw.randint(-30_000, 30_000)
            lines.append(f"neg;fixed<8,{integer}>;{i % 100}")
            expected.append(f"{lines[-1]};fixed<9,{integer + 1}>;{-(i % 100)}")
        self.assertEqual(run(lines=lines)[0].splitlines(), expected)

    def test_an_answer_does_not_wait_for_the_end_of_the_input(self):
        with subprocess.Popen([JSC_FIXED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            for i in (1, 2):
                process.stdin.write(f"neg;fixed<8,4>;{i}\n".encode())
                process.stdin.flush()
                self.assertEqual(process.stdout.readline().decode(), f"neg;fixed<8,4>;{i};fixed<9,5>;-{i}\n")
            process.stdin.close()
            self.assertEqual(process.wait(timeout=60), 0)

    def test_a_malformed_line_is_reported_with_its_number_after_the_answers_before_it(self):
        good = "neg;fixed<8,4>;3"
        for bad, words in {
            "": "unknown operation ''",
            "nope;fixed<8,4>;3": "unknown operation 'nope'",
            "neg;fixed<8,4>": "expected 3 fields, neg;FORMAT;raw, found 2",
            "cast;fixed<8,4>;3;fixed<8,4>;5;6;7": "expected 4 fields, cast;SRC_FORMAT;raw;DST_FORMAT, found 7",
            "neg;fixed<8,4;3": "format 'fixed<8,4', character 10: expected ',' or '>', found the end",
            "cast;fixed<8,4>;3;fixed<0,4>": "character 7: expected a width from 1 to 64, found '0'",
            "neg;fixed<8,4>;128": "field 3: expected a raw value of fixed<8,4>, an integer from -128 to 127, found '128'",
            "neg;ufixed<8,4>;-1": "an integer from 0 to 255, found '-1'",
            "neg;fixed<8,4>;1.5": "found '1.5'",
            "neg;fixed<8,4>;": "found ''",
            "neg;fixed<64,4>;99999999999999999999999": "found '99999999999999999999999'",
            "neg;fixed<8,4>;1 ": "found '1 '",
            "div;fixed<8,4>;3;fixed<8,4>;0": "division by zero",
            "mul;ufixed<64,4>;3;ufixed<64,4>;0": "the result ufixed<128,8> is too wide",
            "shift;fixed<8,4>;3;1.5": "field 4: expected a number of bits, found '1.5'",
            "neg;fixed<8,4>;" + 100_000 * "1": "expected at most 65536 characters",
            "neg;fixed<8,4>;" + 3_000_000 * "1": "expected at most 65536 characters",
        }.items():
            with self.subTest(bad=bad[:50]):
                out, err = run(lines=[good, good, bad, good], code=2)
                self.assertEqual(out, 2 * f"{good};fixed<9,5>;-3\n")
                self.assertEqual(len(err.splitlines()), 1)
                self.assertTrue(err.startswith("jsc-fixed: line 3: "), err)
                self.assertIn(words, err)

    def test_a_line_of_the_greatest_length_is_answered_once_however_it_arrives(self):
        line = "neg;fixed<8,4>;3"
        line = line.replace("4", " " * (65536 - len(line)) + "4")
        with subprocess.Popen([JSC_FIXED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(f"{line}\r".encode())
            process.stdin.flush()
            time.sleep(0.3)  # so that the line is seen without its end
            out, _ = process.communicate(f"\n{line}\n".encode(), timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(out.decode(), 2 * f"{line};fixed<9,5>;-3\n")

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_is_noticed(self):
        for args in ([], ["cast", "fixed<8,4>", "1"], ["--help"], ["--version"]):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                done = subprocess.run([JSC_FIXED, *args], input=b"neg;fixed<8,4>;3\n", stdout=full,
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"standard output: cannot write", done.stderr)


class Documentation(unittest.TestCase):
    def test_the_examples_print_what_the_documentation_shows(self):
        """An indented block that starts with "$ jsc-fixed" or "$ echo … | jsc-fixed" shows commands and their output."""
        tried = 0
        for name in ("docs/fixed_point.md", "README.md"):
            blocks = re.findall(r"(?:^    [^\n]*\n)+", (ROOT / name).read_text(), re.M)
            for block in blocks:
                lines = [line[4:] for line in block.splitlines()]
                if not lines[0].startswith("$ ") or "jsc-fixed" not in lines[0]:
                    continue
                for part in re.findall(r"^\$ [^\n]*\n(?:(?!\$ )[^\n]*\n?)*", "\n".join(lines) + "\n", re.M):
                    command, _, shown = part.partition("\n")
                    words = shlex.split(command[2:])
                    given = None
                    if words[0] == "echo":
                        given, words = words[1], words[3:]
                    self.assertEqual(words[0], "jsc-fixed", command)
                    with self.subTest(command=command):
                        out, _ = run(*words[1:], raw_input=None if given is None else given + "\n")
                        self.assertEqual(out.rstrip("\n"), shown.rstrip("\n"))
                    tried += 1
        self.assertGreaterEqual(tried, 4)

    def test_the_table_of_roundings_is_what_the_program_does(self):
        text = (ROOT / "docs/fixed_point.md").read_text().replace("\N{MINUS SIGN}", "-")
        table = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
        head, modes = table[0], table[2:]
        self.assertEqual(len(modes), 10)
        lines, expected = [], []
        for mode in modes:
            for value, answer in zip(head[2:], mode[2:]):
                lines.append(f"cast;fixed<8,6>;{int(float(value) * 4)};fixed<8,8,{mode[0]}>")
                expected.append(f"{lines[-1]};{answer}")
        self.assertEqual(run(lines=lines)[0].splitlines(), expected)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
