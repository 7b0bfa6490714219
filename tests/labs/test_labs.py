"""Runs pages of the documentation: every command, in order and in one folder a page, and compares what it prints.

  test_labs.py [--full] PAGE...

A block ```LANGUAGE NAME is a file that the commands find under that name. In a block ```console the lines that
begin with "$ " are commands (a "\\" at the end continues one), the others what they print on standard output, line
by line; "…" in a line stands for anything, such as seconds. Other blocks are left alone. Programs are found in the
folders of JSC_PATH, and the files that the project ships as docs/....

A page that takes long has a line <!-- tests: OPTIONS -->: they are added to its trainings and sweeps, and of what those
print only the form is compared, not the numbers with a decimal point. --full runs such a page as it stands. A table's
last column is left out of the comparison if it is called Seconds.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FULL = "--full" in sys.argv
PAGES = [pathlib.Path(name) for name in sys.argv[1:] if name != "--full"]
REDUCED = re.compile(r"^<!-- tests: (.*) -->$", re.M)
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def blocks(text):
    """(language, file name or None, content, line of the fence)"""
    for found in BLOCK.finditer(text):
        yield found[1], found[2], found[3], text[: found.start()].count("\n") + 1


def steps(content):
    """(command, expected output) of a console block."""
    commands, continued = [], False
    for line in content.splitlines(keepends=True):
        if continued:
            commands[-1][0] += line
        elif line.startswith("$ "):
            commands.append([line[2:], ""])
        elif commands:
            commands[-1][1] += line
        else:
            raise AssertionError(f"output without a command: {line}")
        continued = (continued or line.startswith("$ ")) and line.endswith("\\\n")
    return commands


def run(command, folder):
    environment = {**os.environ, "PATH": os.environ["JSC_PATH"] + os.pathsep + os.environ["PATH"]}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip


def fits(printed, expected):
    """Whether the lines are those expected."""
    found, wanted = printed.splitlines(), expected.splitlines()
    return len(found) == len(wanted) and all(
        re.fullmatch(".*".join(map(re.escape, line.split("…"))), text) for text, line in zip(found, wanted)
    )


def comparable(text, masked):
    """The text without the seconds of tables; masked: numbers and the widths of columns do not count either."""
    lines, timed = [], False
    for line in text.splitlines():
        timed = line[:1] in ("|", "+") and (timed or line.endswith(" Seconds |"))
        if line.startswith("+") or timed:  # a rule loses its last column in any table: it may come before the titles
            line = line[: line.rstrip("|+").rindex(line[0])]
        if masked:
            line = re.sub(r"-?\d+\.\d+", "#", line)
            line = re.sub(r"([-= ])\1+", r"\1", line)
        lines.append(line)
    return "\n".join(lines)


def check_page(page, test):
    """The number of commands run."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="jsc-lab-") as folder:
        (pathlib.Path(folder) / "docs").symlink_to(DOCS)
        text = page.read_text(encoding="utf-8")
        reduced = None if FULL else REDUCED.search(text)
        for language, name, content, line in blocks(text):
            if name:
                (pathlib.Path(folder) / name).write_text(content, encoding="utf-8")
            if language != "console":
                continue
            for command, expected in steps(content):
                count += 1
                if reduced:
                    command = re.sub(r"(jsc-train (?:sweep|train)\b[^|\n]*)", rf"\1 {reduced[1]} ", command)
                done = run(command, folder)
                where = f"{page.name}, block at line {line}: {command}"
                test.assertEqual(done.returncode, 0, f"{where}{done.stderr}")
                printed, wanted = comparable(done.stdout, reduced), comparable(expected, reduced)
                if not fits(printed, wanted):
                    test.assertEqual(printed.splitlines(), wanted.splitlines(), where)
    return count


class Labs(unittest.TestCase):
    maxDiff = None

    def test_every_command_of_the_pages_prints_what_the_page_shows(self):
        self.assertTrue(PAGES)
        for page in PAGES:
            with self.subTest(page=page.name):
                self.assertGreater(check_page(page, self), 0, "a page without commands")

    def test_a_wrong_line_a_missing_line_and_a_failing_command_are_seen(self):
        for block in ("$ echo a\nb\n", "$ printf 'a\\nb\\n'\na\n", "$ false\n", "$ false | cat\n", "$ true\na\n",
                      "$ echo 3 s, 1\n… s, 0\n"):
            with self.subTest(block=block), tempfile.TemporaryDirectory() as folder:
                page = pathlib.Path(folder) / "page.md"
                page.write_text(f"```console\n{block}```\n")
                with self.assertRaises(AssertionError):
                    check_page(page, self)

    def test_files_and_continued_commands_work(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text("```toml f.toml\na = 1\n```\n```console\n$ cat \\\n  f.toml\na = 1\n$ true\n```\n")
            self.assertEqual(check_page(page, self), 2)
            page.write_text("```console\n$ echo 8 rows in 1.25 s, 0 mismatches\n8 rows in … s, 0 mismatches\n```\n")
            self.assertEqual(check_page(page, self), 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
