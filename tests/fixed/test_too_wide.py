"""A result that 128 bits cannot carry does not compile, and the compiler says why (FX-14).

  test_too_wide.py SOURCE_ROOT COMPILER...
"""
import subprocess
import sys

PROGRAM = """
#include "quant/fixed/fixed.hpp"
using namespace jsc::fixed;
inline auto result(Fixed<64, 1> a, UFixed<64, 1> b) { return %s; }
"""

# expression, what the compiler must say (None: it compiles)
CASES = [
    ("a * a", None),
    ("a * b", None),
    ("b * b", "the format is out of range or the result is too wide"),
    ("a * a + a", "the format is out of range or the result is too wide"),
    ("Fixed<65, 1>()", "the format is out of range"),
    ("Fixed<4, 1, Rounding::trn, Overflow::wrap, 5>()", "the format is out of range"),
    ("UFixed<4, 1, Rounding::trn, Overflow::wrap_sm>()", "the format is out of range"),
]


def main():
    root, compiler = sys.argv[1], sys.argv[2:]
    for expression, message in CASES:
        command = [*compiler, "-std=c++20", "-fsyntax-only", "-I", root, "-x", "c++", "-"]
        done = subprocess.run(command, input=PROGRAM % expression, text=True, stderr=subprocess.PIPE, check=False)
        if message is None:
            assert done.returncode == 0, f"{expression} does not compile:\n{done.stderr}"
        else:
            assert done.returncode != 0, f"{expression} compiles"
            assert message in done.stderr, f"{expression}: expected '{message}', found:\n{done.stderr}"


if __name__ == "__main__":
    main()
