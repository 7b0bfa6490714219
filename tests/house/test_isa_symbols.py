#!/usr/bin/env python3
"""Code made with the instructions of one ISA must never run on another.

  test_isa_symbols.py BUILD

A function that is inline or a template is weak: if two object files have it, the linker keeps one, and that may be the one
with the wrong instructions. So every weak function of a source with ISA flags has to belong to that source alone (an
anonymous namespace) or to that ISA (a namespace lanes_avx2, ...). Sources are compiled without optimization, which
inlines nothing that need not be, or what is weak would depend on the day.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop())
SOURCES = re.compile(r"(engine|ops|quant)/\S*_(avx2|avx512)\.cpp$")
OWN = re.compile(r"\(anonymous namespace\)|lanes_avx(2|512)")


def weak_functions(command, directory, out):
    words = [word for word in shlex.split(command["command"]) if not re.fullmatch(r"-O\w|-MD|-Winvalid-pch", word)]
    for option in ("-o", "-MF", "-MQ"):
        if option in words:
            del words[words.index(option) : words.index(option) + 2]
    subprocess.run([*words, "-O0", "-w", "-o", out], cwd=directory, check=True)
    lines = subprocess.run(["nm", "-C", "--defined-only", out], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"^\w+ W (.*)$", lines, re.M)


class IsaSymbols(unittest.TestCase):
    def test_weak_functions_belong_to_their_source_or_isa(self):
        commands = [c for c in json.loads((BUILD / "compile_commands.json").read_text()) if SOURCES.search(c["file"])]
        if not commands:
            self.skipTest("this processor has no kernels of their own instructions")
        found = 0
        with tempfile.TemporaryDirectory() as folder:
            for command in commands:
                functions = weak_functions(command, command["directory"], pathlib.Path(folder) / "object.o")
                found += len(functions)
                shared = [name for name in functions if not OWN.search(name)]
                self.assertEqual(shared, [], command["file"])
        self.assertGreater(found, 100)  # it looked at something


unittest.main()
